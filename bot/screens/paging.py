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
"""Rows on one screen. Telegram allows 100 buttons, but a person cannot read that many."""
FETCH_LIMIT = PAGE_SIZE + 1
"""One row more than is shown, to know whether there is a next page."""


@dataclass(frozen=True)
class Page(Generic[Row]):
    """One page of a list; `fetched` holds at most `FETCH_LIMIT` rows."""

    fetched: Sequence[Row]
    number: int

    @property
    def rows(self) -> Sequence[Row]:
        """The rows to show."""
        return self.fetched[:PAGE_SIZE]

    def buttons(self, t: Texts, to: Callable[[int], CallbackData]) -> list[InlineKeyboardButton]:
        """Make the buttons to the previous and the next page, if there are such pages."""
        buttons = []
        if self.number > 0:
            buttons.append(button(t("page-previous"), to(self.number - 1)))
        if len(self.fetched) > PAGE_SIZE:
            buttons.append(button(t("page-next"), to(self.number + 1)))
        return buttons


def offset(number: int) -> int:
    """Return how many rows come before a page; the first page has number 0."""
    return max(number, 0) * PAGE_SIZE
