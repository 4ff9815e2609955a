"""Ask for a time of publication in a form: the day, a month to choose the day from, and the hour.

The buttons offer the free times of a channel that has a calendar, and else the usual hours. A typed
time is taken in each of these steps.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from aiogram.fsm.state import State
from aiogram.types import CallbackQuery, Message
from aiogram_dialog import DialogManager, Window
from aiogram_dialog.widgets.input import MessageInput
from aiogram_dialog.widgets.kbd import Button, Select

from bot import formatting, time_zones
from bot.context import RequestContext
from bot.screens import catalogue
from handlers import forms, month_choice
from handlers import settings as settings_handlers
from services.market import kept_times, offered_times
from services.market.offered_times import Place

DAYS_OFFERED = 6
_LOOKED_AHEAD = 14
"""Of so many days, the first ones with a free time are offered."""
_DAY = "day"


@dataclass(frozen=True)
class TimeSteps:
    """The steps of a form that ask for a time. A person with a time zone skips the step `zone`."""

    question: str
    """The text of the step `day`, which gets the values `zone` and `choice`."""
    zone: State
    day: State
    month: State
    hour: State
    save: Callable[[DialogManager, datetime], Awaitable[None]]
    """Called with the chosen time."""
    place: Callable[[DialogManager], Place | None]
    after_cancel: forms.ScreenAfterCancel
    back_to: State | None = None
    """The step before `zone` and `day`. None if the form begins with them."""
    more: forms.Getter | None = None
    """Returns more values for the text of the step `day`."""

    async def open(self, manager: DialogManager) -> None:
        """Go to the first of the steps."""
        await forms.next_step(manager, self.first(forms.context_of(manager)))

    def first(self, context: RequestContext) -> State:
        """Return the first of the steps for a person."""
        return self.day if context.t.time_zone else self.zone

    def windows(self) -> Sequence[Window]:
        """Make the windows of the steps."""
        return (
            forms.text_step(
                "zone-ask",
                self._save_zone,
                state=self.zone,
                after_cancel=self.after_cancel,
                first=self.back_to is None,
                back_to=self.back_to,
            ),
            forms.text_step(
                self.question,
                self._read,
                forms.choices("days", self._choose_day, width=3),
                Button(forms.Translated("time-other-day"), "month", on_click=self._open_month),
                state=self.day,
                after_cancel=self.after_cancel,
                first=self.back_to is None,
                back_to=self.back_to,
                getter=self._days,
            ),
            forms.text_step(
                "time-month",
                self._read,
                *month_choice.buttons(self._save_day),
                state=self.month,
                after_cancel=self.after_cancel,
                back_to=self.day,
                getter=self._month,
            ),
            forms.text_step(
                "time-hour",
                self._read_in_day,
                forms.choices("times", self._choose_time, width=4),
                state=self.hour,
                after_cancel=self.after_cancel,
                back_to=self.day,
                getter=self._times,
            ),
        )

    async def _save_zone(
        self, message: Message, _input: MessageInput, manager: DialogManager
    ) -> None:
        if await settings_handlers.save_zone(message, manager):
            await forms.next_step(manager, self.day)

    async def _open_month(
        self, _press: CallbackQuery, _button: Button, manager: DialogManager
    ) -> None:
        month_choice.begin(manager)
        await forms.next_step(manager, self.month)

    async def _days(self, dialog_manager: DialogManager, **data: Any) -> dict[str, Any]:
        context = forms.context_of(dialog_manager)
        today = await month_choice.today(context)
        days = [today + timedelta(days=number) for number in range(_LOOKED_AHEAD)]
        found = await self._offered(dialog_manager, days)
        place = self.place(dialog_manager)
        async with context.read() as session:
            is_kept = place is not None and await kept_times.is_kept(session, place.channel_id)
        choice = ("some" if found else "none") if is_kept else "any"
        more = await self.more(dialog_manager, **data) if self.more else {}
        return {
            "values": {"zone": context.t.zone, "choice": choice, **more},
            "days": [
                (day.isoformat(), catalogue.day_label(context.t, day, today))
                for day in found[:DAYS_OFFERED]
            ],
        }

    async def _month(self, dialog_manager: DialogManager, **_data: Any) -> dict[str, Any]:
        async def offered(days: Sequence[date]) -> Sequence[date]:
            return await self._offered(dialog_manager, days)

        return await month_choice.read(dialog_manager, offered)

    async def _offered(self, manager: DialogManager, days: Sequence[date]) -> Sequence[date]:
        context = forms.context_of(manager)
        async with context.read() as session:
            return await offered_times.days(
                session,
                self.place(manager),
                days,
                time_zones.zone(context.t.time_zone),
                ahead=context.settings.publish_ahead,
            )

    async def _choose_day(
        self, _press: CallbackQuery, _select: Select[Any], manager: DialogManager, item: str
    ) -> None:
        await self._save_day(manager, date.fromisoformat(item))

    async def _save_day(self, manager: DialogManager, day: date) -> None:
        manager.dialog_data[_DAY] = day.isoformat()
        await forms.next_step(manager, self.hour)

    async def _times(self, dialog_manager: DialogManager, **_data: Any) -> dict[str, Any]:
        t, day = forms.context_of(dialog_manager).t, _day(dialog_manager)
        zone = time_zones.zone(t.time_zone)
        async with forms.context_of(dialog_manager).read() as session:
            found = await offered_times.times(session, self.place(dialog_manager), day, zone)
        return {
            "values": {"day": t.weekday(day), "zone": t.zone, "found": len(found)},
            "times": [(int(at.timestamp()), t.clock(at)) for at in found],
        }

    async def _choose_time(
        self, _press: CallbackQuery, _select: Select[Any], manager: DialogManager, item: str
    ) -> None:
        at = await forms.checked_publish_time(manager, datetime.fromtimestamp(int(item), UTC))
        if at is not None:
            await self.save(manager, at)

    async def _read(self, message: Message, _input: MessageInput, manager: DialogManager) -> None:
        """Read a time, or a day, after which the hour is asked for."""
        typed = message.text or ""
        day = formatting.parse_day(typed)
        if day is not None:
            await self._save_day(manager, day)
        else:
            await self._save_typed(manager, typed)

    async def _read_in_day(
        self, message: Message, _input: MessageInput, manager: DialogManager
    ) -> None:
        """Read an hour of the chosen day, or another time."""
        await self._save_typed(manager, formatting.with_day(message.text or "", _day(manager)))

    async def _save_typed(self, manager: DialogManager, typed: str) -> None:
        at = await forms.read_publish_time(typed, manager)
        if at is not None:
            await self.save(manager, at)


def place_of_form(manager: DialogManager) -> Place | None:
    """Return the channel with which a form was opened: `channel_id`, and `on_top` in hours."""
    start: Any = manager.start_data
    if "channel_id" not in start:  # the previous release has opened the form
        return None
    return Place(start["channel_id"], timedelta(hours=start["on_top"]))


def _day(manager: DialogManager) -> date:
    return date.fromisoformat(manager.dialog_data[_DAY])
