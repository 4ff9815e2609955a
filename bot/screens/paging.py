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
"""How many rows one screen shows. Telegram allows 100 buttons, but a person cannot read so many."""
FETCH_LIMIT = PAGE_SIZE + 1
"""How many rows are read for one page. The last row is not shown: it only proves that there is a
next page."""


@dataclass(frozen=True)
class Page(Generic[Row]):
    """The rows of one page of a list. `fetched` has at most `FETCH_LIMIT` rows.

    `number` is the number of the page. The first page has the number 0.
    """

    fetched: Sequence[Row]
    number: int

    @property
    def rows(self) -> Sequence[Row]:
        """The rows that this page shows."""
        return self.fetched[:PAGE_SIZE]

    def buttons(self, t: Texts, to: Callable[[int], CallbackData]) -> list[InlineKeyboardButton]:
        """Make the buttons that open the previous and the next page, if such pages exist."""
        buttons = []
        if self.number > 0:
            buttons.append(button(t("page-previous"), to(self.number - 1)))
        if len(self.fetched) > PAGE_SIZE:
            buttons.append(button(t("page-next"), to(self.number + 1)))
        return buttons


def offset(number: int) -> int:
    """Return how many rows of a list come before a page. The first page has the number 0."""
    return max(number, 0) * PAGE_SIZE
