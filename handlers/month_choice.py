"""Let a person choose a day in a form, from the days of a month.

The step's data has the cells of the month under the name `cells`. Days in the past cannot be
chosen, nor those that the form does not offer.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import date, timedelta
from typing import Any

from aiogram.types import CallbackQuery
from aiogram_dialog import DialogManager
from aiogram_dialog.widgets.kbd import Button, Keyboard, Row, Select

from bot import time_zones
from bot.context import RequestContext
from bot.screens import month_grid
from db import queries
from handlers import forms

LAST_MONTH = 12
"""How many months after the present one can be shown."""
_SHOWN = "month"
_NO_DAY = "-"
Offered = Callable[[Sequence[date]], Awaitable[Sequence[date]]]
"""Returns those of some days, from today on, that can be chosen."""


async def today(context: RequestContext) -> date:
    """Return the present day in the time zone of the person."""
    async with context.read_quickly() as session:
        now = await queries.now(session)
    return now.astimezone(time_zones.zone(context.t.time_zone)).date()


def begin(manager: DialogManager) -> None:
    """Show the present month first."""
    manager.dialog_data[_SHOWN] = 0


async def read(manager: DialogManager, offered: Offered) -> dict[str, Any]:
    """Return the data of the step: the days of the month that is shown, and its name."""
    context = forms.context_of(manager)
    present, number = await today(context), manager.dialog_data.get(_SHOWN, 0)
    month = month_grid.later(present, number)
    length = (month_grid.later(month, 1) - month).days
    days = [month + timedelta(days=each) for each in range(length)]
    free = set(await offered([day for day in days if day >= present]))

    def label(day: date) -> str | None:
        return str(day.day) if day in free else None

    return {
        "values": {"zone": context.t.zone, "month": context.t.month(month)},
        "cells": [
            (cell.day.isoformat() if cell.day else _NO_DAY, cell.label)
            for cell in month_grid.cells(context.t, month, label)
        ],
        "has_previous": number > 0,
        "has_next": number < LAST_MONTH,
    }


def buttons(choose: Callable[[DialogManager, date], Awaitable[None]]) -> tuple[Keyboard, ...]:
    """Make the buttons of a month. `choose` gets the day that a person has chosen."""

    async def press_day(
        _press: CallbackQuery, _select: Select[Any], manager: DialogManager, item: str
    ) -> None:
        if item != _NO_DAY:
            await choose(manager, date.fromisoformat(item))

    return (
        forms.choices("cells", press_day, width=month_grid.WEEK),
        Row(
            Button(
                forms.Translated("page-previous"),
                "previous_month",
                on_click=_turn(-1),
                when="has_previous",
            ),
            Button(forms.Translated("page-next"), "next_month", on_click=_turn(1), when="has_next"),
        ),
    )


def _turn(months: int) -> Callable[[CallbackQuery, Button, DialogManager], Awaitable[None]]:
    async def turn(_press: CallbackQuery, _button: Button, manager: DialogManager) -> None:
        shown = manager.dialog_data.get(_SHOWN, 0) + months
        manager.dialog_data[_SHOWN] = min(max(shown, 0), LAST_MONTH)

    return turn
