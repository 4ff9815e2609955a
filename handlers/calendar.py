"""Handle the calendar of an owner's channel: the list of a week, the picture, and its settings."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, time, timedelta

from aiogram import Bot, Router
from aiogram.types import BufferedInputFile, CallbackQuery

from bot import month_picture, time_zones
from bot.calendar_callbacks import (
    CalendarChange,
    CalendarPart,
    DrawMonth,
    EditCalendar,
    SetCalendar,
    ShowCalendar,
)
from bot.context import RequestContext
from bot.screens import calendar as screens
from bot.screens import month_grid
from bot.screens.calendar import Week
from bot.screens.outgoing import Outgoing
from bot.telegram.answers import answer_press
from db import queries
from db.models.calendars import ChannelCalendar
from db.models.campaigns import Channel
from handlers import managers as manager_handlers
from handlers import respond
from services.market import calendars, kept_times, managers
from services.market.kept_times import PlannedAd
from services.platform.calendar_errors import NoCalendar

_FIRST_DAY, _LAST_DAY = date(2000, 1, 1), date(9998, 12, 31)
router = Router(name="calendar")


async def _read(
    context: RequestContext, channel_id: int
) -> tuple[Channel, ChannelCalendar | None, date]:
    """Return a channel of the person, its calendar and the present day in the calendar's zone."""
    async with context.read() as session:
        channel = await managers.get_channel(session, actor=context.actor, channel_id=channel_id)
        calendar = await calendars.find(session, channel_id)
        now = await queries.now(session)
    zone = time_zones.zone(calendar.time_zone if calendar else None)
    return channel, calendar, now.astimezone(zone).date()


async def _ads(
    context: RequestContext, calendar: ChannelCalendar, first: date, days: int
) -> dict[date, list[PlannedAd]]:
    """Return the ads of some days, by day in the zone of the calendar."""
    zone = time_zones.zone(calendar.time_zone)
    begin, end = (
        datetime.combine(day, time(), zone).astimezone(UTC)
        for day in (first, first + timedelta(days=days))
    )
    async with context.read() as session:
        planned = await kept_times.planned(session, calendar.channel_id, begin=begin, end=end)
    by_day: dict[date, list[PlannedAd]] = defaultdict(list)
    for ad in planned:
        by_day[ad.at.astimezone(zone).date()].append(ad)
    return by_day


async def _week_screen(context: RequestContext, channel_id: int, number: int = 0) -> Outgoing:
    channel, calendar, today = await _read(context, channel_id)
    if calendar is None:
        return screens.missing(context.t, channel)
    week = Week(min(max(number, 0), screens.LAST_WEEK), today, {})
    ads = await _ads(context, calendar, week.days[0], len(week.days))
    return screens.week(context.t, channel, calendar, Week(week.number, today, ads))


async def _part_screen(
    context: RequestContext, channel_id: int, part: CalendarPart, value: int
) -> Outgoing:
    """Build the choices for a part of a calendar. Raises NoCalendar."""
    t = context.t
    channel, calendar, today = await _read(context, channel_id)
    if calendar is None:
        raise NoCalendar(channel_id)
    if part is CalendarPart.WEEKDAYS:
        return screens.weekdays(t, channel, calendar)
    if part is CalendarPart.DAYS_OFF:
        months = min(max(value, 0), screens.LAST_MONTH)
        return screens.days_off(t, channel, calendar, today=today, months=months)
    if part is CalendarPart.UNTIL:
        return screens.until(t, channel, value % 24)
    build = {
        CalendarPart.HOURS: screens.hours,
        CalendarPart.GAP: screens.gap,
        CalendarPart.MOST: screens.ads_a_day,
    }[part]
    return build(t, channel)


@router.callback_query(ShowCalendar.filter())
async def show_week(
    press: CallbackQuery, callback_data: ShowCalendar, context: RequestContext
) -> None:
    """Show the ads of a week and the settings of the calendar."""
    await respond.show(press, await _week_screen(context, callback_data.id, callback_data.week))


@router.callback_query(EditCalendar.filter())
async def show_part(
    press: CallbackQuery, callback_data: EditCalendar, context: RequestContext
) -> None:
    """Show the choices for a part of the calendar."""
    screen = await _part_screen(context, callback_data.id, callback_data.part, callback_data.value)
    await respond.show(press, screen)


@router.callback_query(SetCalendar.filter())
async def change_calendar(
    press: CallbackQuery, callback_data: SetCalendar, context: RequestContext, bot: Bot
) -> None:
    """Change a part of the calendar, and show the result."""
    await manager_handlers.require_rights(context, bot, callback_data.id)

    async def result() -> Outgoing:
        return await _after_change(context, callback_data)

    async with respond.show_result(press, result):
        await _CHANGES[callback_data.change](context, callback_data.id, callback_data.value)


async def _after_change(context: RequestContext, made: SetCalendar) -> Outgoing:
    """Build the screen after a change: of several similar choices again, or else the calendar."""
    if made.change in {CalendarChange.OPEN_WEEKDAY, CalendarChange.CLOSE_WEEKDAY}:
        return await _part_screen(context, made.id, CalendarPart.WEEKDAYS, 0)
    if made.change in {CalendarChange.TAKE_OFF, CalendarChange.PUT_BACK}:
        _, _, today = await _read(context, made.id)
        months = month_grid.months_between(today, _day(made.value))
        return await _part_screen(context, made.id, CalendarPart.DAYS_OFF, months)
    return await _week_screen(context, made.id)


@router.callback_query(DrawMonth.filter())
async def draw_month(
    press: CallbackQuery, callback_data: DrawMonth, context: RequestContext, bot: Bot
) -> None:
    """Send a picture of the month in which a week begins. Raises NoCalendar."""
    if press.message is None:
        await respond.alert(press, context.t("button-stale"))
        return
    channel, calendar, today = await _read(context, callback_data.id)
    if calendar is None:
        raise NoCalendar(channel.id)
    number = min(max(callback_data.week, 0), screens.LAST_WEEK)
    first = Week(number, today, {}).days[0].replace(day=1)
    days = [first + timedelta(days=each) for each in range(31)]
    by_day = await _ads(context, calendar, first, len(days))
    ads = Counter({day: len(found) for day, found in by_day.items() if day.month == first.month})
    closed = {
        day for day in days if day.isoweekday() not in calendar.weekdays or day in calendar.days_off
    }
    picture = await asyncio.to_thread(month_picture.draw, first, ads, closed, today)
    await bot.send_photo(
        press.message.chat.id,
        BufferedInputFile(picture, "month.png"),
        caption=screens.caption(context.t, channel, first, ads.total()),
    )
    await answer_press(press)


async def _create(context: RequestContext, channel_id: int, _value: int) -> None:
    """Make the usual calendar of a channel that has none. An existing one stays."""
    async with context.begin() as session:
        if await calendars.find(session, channel_id) is None:
            await calendars.reset(
                session,
                actor=context.actor,
                channel_id=channel_id,
                time_zone=context.t.time_zone,
            )


async def _set_zone(context: RequestContext, channel_id: int, _value: int) -> None:
    async with context.begin() as session:
        await calendars.set_zone(
            session,
            actor=context.actor,
            channel_id=channel_id,
            time_zone=context.t.time_zone or "UTC",
        )


async def _set_hours(context: RequestContext, channel_id: int, value: int) -> None:
    first, last = divmod(value, 100)
    async with context.begin() as session:
        await calendars.set_hours(
            session,
            actor=context.actor,
            channel_id=channel_id,
            opens_at=first * 60,
            closes_at=last * 60,
        )


async def _set_gap(context: RequestContext, channel_id: int, value: int) -> None:
    gap = timedelta(minutes=max(min(value, 10_000), -1))  # a forged number may be too large
    async with context.begin() as session:
        await calendars.set_gap(session, actor=context.actor, channel_id=channel_id, gap=gap)


async def _set_most(context: RequestContext, channel_id: int, value: int) -> None:
    async with context.begin() as session:
        await calendars.set_ads_a_day(
            session, actor=context.actor, channel_id=channel_id, ads_a_day=value or None
        )


def _set_weekday(*, is_open: bool) -> Callable[[RequestContext, int, int], Awaitable[None]]:
    async def change(context: RequestContext, channel_id: int, value: int) -> None:
        async with context.begin() as session:
            await calendars.set_weekday(
                session,
                actor=context.actor,
                channel_id=channel_id,
                weekday=value,
                is_open=is_open,
            )

    return change


def _set_day_off(*, is_off: bool) -> Callable[[RequestContext, int, int], Awaitable[None]]:
    async def change(context: RequestContext, channel_id: int, value: int) -> None:
        _, _, today = await _read(context, channel_id)
        async with context.begin() as session:
            await calendars.set_day_off(
                session,
                actor=context.actor,
                channel_id=channel_id,
                day=_day(value),
                is_off=is_off,
                today=today,
            )

    return change


def _day(number: int) -> date:
    """Return the day with a number in the proleptic calendar. A forged number may be too large."""
    return date.fromordinal(min(max(number, _FIRST_DAY.toordinal()), _LAST_DAY.toordinal()))


_CHANGES: dict[CalendarChange, Callable[[RequestContext, int, int], Awaitable[None]]] = {
    CalendarChange.CREATE: _create,
    CalendarChange.ZONE: _set_zone,
    CalendarChange.HOURS: _set_hours,
    CalendarChange.OPEN_WEEKDAY: _set_weekday(is_open=True),
    CalendarChange.CLOSE_WEEKDAY: _set_weekday(is_open=False),
    CalendarChange.GAP: _set_gap,
    CalendarChange.MOST: _set_most,
    CalendarChange.TAKE_OFF: _set_day_off(is_off=True),
    CalendarChange.PUT_BACK: _set_day_off(is_off=False),
}
