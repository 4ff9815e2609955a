"""Draws that leave nothing out: everything comes once before anything comes again."""

import random
from collections.abc import Sequence
from typing import Generic, TypeVar

T = TypeVar("T")


class Deck(Generic[T]):
    """Cards in an order by chance, shuffled anew when all are drawn."""

    def __init__(self, cards: Sequence[T], chance: random.Random) -> None:
        self._cards = list(cards)
        self._chance = chance
        self._left: list[T] = []
        self.rounds = 0
        """How often all cards were drawn."""

    def draw(self) -> T:
        """The next card."""
        if not self._left:
            self._left = list(self._cards)
            self._chance.shuffle(self._left)
        card = self._left.pop()
        self.rounds += not self._left
        return card
