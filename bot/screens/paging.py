"""Long lists, some rows at a time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from aiogram.filters.callback_data import CallbackData
from aiogram.types import InlineKeyboardButton

from bot.screens.outgoing import button
from bot.texts import Texts

Row = TypeVar("Row")

PAGE = 8
"""Rows on one screen; Telegram takes 100 buttons, a person far fewer."""
FETCH = PAGE + 1
"""One more is read than is shown, to know whether there is a next page."""


@dataclass(frozen=True)
class Page(Generic[Row]):
    """One page of a list that was read with `FETCH` rows at most."""

    found: Sequence[Row]
    number: int

    @property
    def rows(self) -> Sequence[Row]:
        """The rows to show."""
        return self.found[:PAGE]

    def turns(self, t: Texts, to: Callable[[int], CallbackData]) -> list[InlineKeyboardButton]:
        """Give the buttons to the neighbouring pages, where there are any."""
        buttons = []
        if self.number > 0:
            buttons.append(button(t("page-previous"), to(self.number - 1)))
        if len(self.found) > PAGE:
            buttons.append(button(t("page-next"), to(self.number + 1)))
        return buttons


def offset(number: int) -> int:
    """Tell how many rows come before a page."""
    return max(number, 0) * PAGE
