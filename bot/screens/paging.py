"""Divide long lists into pages."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from aiogram.filters.callback_data import CallbackData
from aiogram.types import InlineKeyboardButton

from bot.screens.outgoing import button
from bot.texts import Texts

Row = TypeVar("Row")

PAGE_SIZE = 8
"""How many rows one screen shows."""
FETCH_LIMIT = PAGE_SIZE + 1
"""How many rows are read for one page, to find out whether a next page exists."""


@dataclass(frozen=True)
class Page(Generic[Row]):
    """One page of a list.

    `fetched` has at most FETCH_LIMIT rows. The first page has the number 0.
    """

    fetched: Sequence[Row]
    number: int

    @property
    def rows(self) -> Sequence[Row]:
        """The rows that this page shows."""
        return self.fetched[:PAGE_SIZE]

    def buttons(self, t: Texts, to: Callable[[int], CallbackData]) -> list[InlineKeyboardButton]:
        """Make the buttons to the previous and the next page, if such pages exist."""
        buttons = []
        if self.number > 0:
            buttons.append(button(t("page-previous"), to(self.number - 1)))
        if len(self.fetched) > PAGE_SIZE:
            buttons.append(button(t("page-next"), to(self.number + 1)))
        return buttons


def offset(number: int) -> int:
    """Return how many rows of a list come before a page. The first page has the number 0."""
    return max(number, 0) * PAGE_SIZE
