"""Offer the free times of a channel in a form: first the days, then the times of one day.

The form's data has the `channel_id` and, if the format has any, the hours `on_top`. It gets the
chosen time as `publish_at`.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from aiogram.fsm.state import State
from aiogram.types import CallbackQuery
from aiogram_dialog import DialogManager, Window
from aiogram_dialog.widgets.kbd import Group, Select

from bot import time_zones
from bot.context import RequestContext
from bot.errors import explain
from db import queries
from handlers import forms
from services.market import kept_times
from services.platform.calendar_errors import TimeNotFree


async def next_time(manager: DialogManager) -> str:
    """Return the next free time of the channel as text: `now` for at once, `none` for no free time.

    A channel without a calendar publishes at once.
    """
    context, channel_id, on_top = _facts(manager)
    async with context.read() as session:
        if not await kept_times.is_kept(session, channel_id):
            return "now"
        soon = await queries.now(session) + kept_times.SOON
        at = await kept_times.soonest(session, channel_id, on_top=on_top)
    if at is None:
        return "none"
    return "now" if at < soon else context.t.time(at)


async def days(dialog_manager: DialogManager, **_data: Any) -> dict[str, Any]:
    """Return the next days on which the channel has a free time, in the zone of the person."""
    context, channel_id, on_top = _facts(dialog_manager)
    zone = time_zones.zone(context.t.time_zone)
    async with context.read() as session:
        is_kept = await kept_times.is_kept(session, channel_id)
        found: Sequence[date] = ()
        if is_kept:
            found = await kept_times.free_days(session, channel_id, zone, on_top=on_top)
    choice = ("some" if found else "none") if is_kept else "no"
    return {
        "values": {"zone": context.t.zone, "choice": choice},
        "days": [(day.isoformat(), context.t.weekday(day)) for day in found],
    }


async def _times(dialog_manager: DialogManager, **_data: Any) -> dict[str, Any]:
    context, channel_id, on_top = _facts(dialog_manager)
    zone = time_zones.zone(context.t.time_zone)
    day = date.fromisoformat(dialog_manager.dialog_data["day"])
    async with context.read() as session:
        found = await kept_times.free_on(session, channel_id, day, zone, on_top=on_top)
    return {
        "values": {"day": context.t.weekday(day), "zone": context.t.zone, "found": len(found)},
        "times": [(int(at.timestamp()), context.t.clock(at)) for at in found],
    }


def day_buttons(hour_state: State) -> Group:
    """Make the buttons of `days`. A press goes to the step `hour_state`."""

    async def choose(
        _press: CallbackQuery, _select: Select[Any], manager: DialogManager, item: str
    ) -> None:
        manager.dialog_data["day"] = item
        await forms.next_step(manager, hour_state)

    return forms.choices("days", choose, width=3)


def hour_step(
    state: State, *, next_state: State, back_to: State, after_cancel: forms.ScreenAfterCancel
) -> Window:
    """Make the step that offers the free times of the chosen day."""

    async def choose(
        _press: CallbackQuery, _select: Select[Any], manager: DialogManager, item: str
    ) -> None:
        await save(manager, datetime.fromtimestamp(int(item), UTC), next_state)

    return Window(
        forms.Question("buy-hour"),
        forms.choices("times", choose, width=4),
        forms.navigation_row(after_cancel, back_to=back_to),
        state=state,
        getter=_times,
    )


async def save(manager: DialogManager, at: datetime, next_state: State) -> None:
    """Store a chosen time and go to `next_state`, or show the error if the time is not free."""
    context, channel_id, on_top = _facts(manager)
    try:
        async with context.read() as session:
            await kept_times.require(session, channel_id, at, on_top=on_top)
    except TimeNotFree as error:
        forms.show_error(manager, explain(context.t, error))
        return
    manager.dialog_data["publish_at"] = at.isoformat()
    await forms.next_step(manager, next_state)


def _facts(manager: DialogManager) -> tuple[RequestContext, int, timedelta]:
    """Return the context, the channel's id and how long no other ad may come after the ad."""
    draft = manager.dialog_data
    on_top = timedelta(hours=draft.get("on_top", 0))
    return forms.context_of(manager), int(draft["channel_id"]), on_top
