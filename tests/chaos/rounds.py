"""Random choices that leave nothing out: every item is drawn once before any is drawn again."""

import random
from collections.abc import Sequence
from typing import Generic, TypeVar

T = TypeVar("T")


class Rounds(Generic[T]):
    """Draws items round by round; each round has every item once, in a new random order."""

    def __init__(self, items: Sequence[T], rng: random.Random) -> None:
        self._items = list(items)
        self._rng = rng
        self._left: list[T] = []
        self.completed = 0
        """The number of rounds in which every item was drawn."""

    def draw(self) -> T:
        """Return the next item."""
        if not self._left:
            self._left = list(self._items)
            self._rng.shuffle(self._left)
        item = self._left.pop()
        self.completed += not self._left
        return item
