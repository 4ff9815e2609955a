"""Choose items at random in rounds."""

import random
from collections.abc import Sequence
from typing import Generic, TypeVar

T = TypeVar("T")


class Rounds(Generic[T]):
    """A random choice that returns every item one time in each round."""

    def __init__(self, items: Sequence[T], rng: random.Random) -> None:
        self._items = list(items)
        self._rng = rng
        self._left: list[T] = []
        self.completed = 0
        """The number of completed rounds."""

    def draw(self) -> T:
        """Return a random item that was not returned in this round before."""
        if not self._left:
            self._left = list(self._items)
            self._rng.shuffle(self._left)
        item = self._left.pop()
        self.completed += not self._left
        return item
