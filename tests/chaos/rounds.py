"""Choose items at random in rounds: no item is drawn again before all items were drawn."""

import random
from collections.abc import Sequence
from typing import Generic, TypeVar

T = TypeVar("T")


class Rounds(Generic[T]):
    """A random choice that draws each item once in each round, in a new random order."""

    def __init__(self, items: Sequence[T], rng: random.Random) -> None:
        self._items = list(items)
        self._rng = rng
        self._left: list[T] = []
        self.completed = 0
        """The number of rounds in which every item was drawn."""

    def draw(self) -> T:
        """Return a random one of the items that were not drawn in this round yet."""
        if not self._left:
            self._left = list(self._items)
            self._rng.shuffle(self._left)
        item = self._left.pop()
        self.completed += not self._left
        return item
