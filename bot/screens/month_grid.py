"""Lay out the days of a month in weeks, for the buttons of forms and of screens."""

from calendar import monthrange
from collections.abc import Callable, Sequence
from datetime import date
from typing import NamedTuple

from bot.texts import Texts
from db.models.calendars import EVERY_DAY

WEEK = 7
_NO_DAY, _CLOSED_DAY = "\u2800", "·"
"""Telegram takes no empty label, so the first one is a blank Braille pattern."""


class Cell(NamedTuple):
    """One button of a month. Without a day, a press changes nothing."""

    day: date | None
    label: str


def cells(t: Texts, month: date, label: Callable[[date], str | None]) -> Sequence[Cell]:
    """Return the cells of the month of a day, WEEK in a row, from Monday on.

    The first row has the names of the days of the week. `label` returns the label of a day, or None
    for a day that cannot be chosen.
    """
    first = month.replace(day=1)
    length = monthrange(first.year, first.month)[1]
    days = [first.replace(day=number + 1) for number in range(length)]
    shown = [Cell(None, t.weekday_name(number)) for number in EVERY_DAY]
    shown += [Cell(None, _NO_DAY)] * first.weekday()
    for day in days:
        text = label(day)
        shown.append(Cell(None, _CLOSED_DAY) if text is None else Cell(day, text))
    return [*shown, *[Cell(None, _NO_DAY)] * (-len(shown) % WEEK)]


def later(month: date, number: int) -> date:
    """Return the first day of the month that is `number` months after the month of a day."""
    years, index = divmod(month.month - 1 + number, 12)
    return date(month.year + years, index + 1, 1)


def months_between(first: date, last: date) -> int:
    """Return how many months the month of `last` is after the month of `first`."""
    return (last.year - first.year) * 12 + last.month - first.month
