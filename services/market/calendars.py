"""Set the calendars of channels: the hours and days of ads, the gap, and days off.

A change never moves or frees a time that is kept for a placement.
"""

from datetime import date, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.calendars import EVERY_DAY, LONGEST_GAP, MINUTES_A_DAY, SHORTEST_GAP, ChannelCalendar
from db.models.campaigns import Channel
from services.market import managers
from services.platform import audit, errors
from services.platform.actors import Actor
from services.platform.calendar_errors import NoCalendar, NoWeekday

USUAL_GAP = timedelta(hours=1)
MOST_ADS_A_DAY = 100
MOST_DAYS_OFF = 400


async def find(session: AsyncSession, channel_id: int) -> ChannelCalendar | None:
    """Return the calendar of a channel, or None if it has none."""
    return await session.get(ChannelCalendar, channel_id, populate_existing=True)


async def reset(
    session: AsyncSession, *, actor: Actor, channel_id: int, time_zone: str | None
) -> None:
    """Give a channel the usual calendar: all hours of all days, with USUAL_GAP between two ads.

    `time_zone` is the IANA name of the zone of its days. None and a zone that the database does not
    know become UTC. Raises NotFound, NotChannelOwner.
    """
    await managers.get_channel(session, actor=actor, channel_id=channel_id)
    usual: dict[str, Any] = {
        "time_zone": await _known_zone(session, time_zone),
        "opens_at": 0,
        "closes_at": MINUTES_A_DAY,
        "weekdays": list(EVERY_DAY),
        "gap": USUAL_GAP,
        "ads_a_day": None,
        "days_off": [],
    }
    await session.execute(
        insert(ChannelCalendar)
        .values(channel_id=channel_id, **usual)
        .on_conflict_do_update(index_elements=["channel_id"], set_=usual)
    )
    await _note(session, actor, channel_id, "reset")


async def set_zone(session: AsyncSession, *, actor: Actor, channel_id: int, time_zone: str) -> None:
    """Set the zone of a channel's hours and days by its IANA name, as in `reset`.

    Locks the calendar. Raises NotFound, NotChannelOwner, NoCalendar.
    """
    calendar = await _lock(session, actor, channel_id)
    calendar.time_zone = await _known_zone(session, time_zone)
    await _note(session, actor, channel_id, "zone")


async def set_hours(
    session: AsyncSession, *, actor: Actor, channel_id: int, opens_at: int, closes_at: int
) -> None:
    """Set the first and the last minute of a day at which a channel publishes ads.

    The minutes count from midnight, and 1440 is the end of the day. If `closes_at` is before
    `opens_at`, the hours end on the next day, and belong to the day on which they began. Locks the
    calendar. Raises NotFound, NotChannelOwner, NoCalendar, InvalidTerms.
    """
    calendar = await _lock(session, actor, channel_id)
    is_possible = 0 <= opens_at < MINUTES_A_DAY and 0 < closes_at <= MINUTES_A_DAY
    if not is_possible or opens_at == closes_at:
        raise errors.InvalidTerms("hours")
    calendar.opens_at, calendar.closes_at = opens_at, closes_at
    await _note(session, actor, channel_id, "hours")


async def set_weekday(
    session: AsyncSession, *, actor: Actor, channel_id: int, weekday: int, is_open: bool
) -> None:
    """Say whether a channel publishes ads on a day of the week (ISO number: Monday is 1).

    Locks the calendar. Raises NotFound, NotChannelOwner, NoCalendar, InvalidTerms; NoWeekday if no
    day would be left.
    """
    calendar = await _lock(session, actor, channel_id)
    if weekday not in EVERY_DAY:
        raise errors.InvalidTerms("weekdays")
    left = set(calendar.weekdays) | {weekday} if is_open else set(calendar.weekdays) - {weekday}
    if not left:
        raise NoWeekday(channel_id)
    calendar.weekdays = sorted(left)
    await _note(session, actor, channel_id, "weekdays")


async def set_gap(session: AsyncSession, *, actor: Actor, channel_id: int, gap: timedelta) -> None:
    """Set the least time between two ads of a channel. Zero becomes SHORTEST_GAP.

    Locks the calendar. Raises NotFound, NotChannelOwner, NoCalendar, InvalidTerms.
    """
    calendar = await _lock(session, actor, channel_id)
    if not timedelta() <= gap <= LONGEST_GAP:
        raise errors.InvalidTerms("gap")
    calendar.gap = max(gap, SHORTEST_GAP)
    await _note(session, actor, channel_id, "gap")


async def set_ads_a_day(
    session: AsyncSession, *, actor: Actor, channel_id: int, ads_a_day: int | None
) -> None:
    """Set the greatest number of ads on one day. None means any number.

    Locks the calendar. Raises NotFound, NotChannelOwner, NoCalendar, InvalidTerms.
    """
    calendar = await _lock(session, actor, channel_id)
    if ads_a_day is not None and not 1 <= ads_a_day <= MOST_ADS_A_DAY:
        raise errors.InvalidTerms("ads_a_day")
    calendar.ads_a_day = ads_a_day
    await _note(session, actor, channel_id, "ads_a_day")


async def set_day_off(
    session: AsyncSession, *, actor: Actor, channel_id: int, day: date, is_off: bool, today: date
) -> None:
    """Say whether a channel publishes no ad on one day. Days off before `today` are forgotten.

    Locks the calendar. Raises NotFound, NotChannelOwner, NoCalendar, InvalidTerms.
    """
    calendar = await _lock(session, actor, channel_id)
    kept = {known for known in calendar.days_off if known >= today}
    days = kept | {day} if is_off else kept - {day}
    if len(days) > MOST_DAYS_OFF:
        raise errors.InvalidTerms("days_off")
    calendar.days_off = sorted(days)
    await _note(session, actor, channel_id, "days_off")


async def _known_zone(session: AsyncSession, name: str | None) -> str:
    """Return the name of a zone that the database knows, or UTC."""
    try:
        async with session.begin_nested():
            await session.execute(select(func.timezone(name, func.clock())))
    except DBAPIError:  # its zones can be older than those of this machine
        return "UTC"
    return name or "UTC"


async def _lock(session: AsyncSession, actor: Actor, channel_id: int) -> ChannelCalendar:
    await managers.get_channel(session, actor=actor, channel_id=channel_id)
    calendar: ChannelCalendar | None = await session.scalar(
        select(ChannelCalendar)
        .where(ChannelCalendar.channel_id == channel_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if calendar is None:
        raise NoCalendar(channel_id)
    return calendar


async def _note(session: AsyncSession, actor: Actor, channel_id: int, part: str) -> None:
    """Write what was changed into the audit log."""
    await session.flush()
    channel = await session.get_one(Channel, channel_id)
    role = await managers.role_in(session, channel, actor)
    await audit.record(
        session, actor=actor, action="calendar_set", role=role, channel_id=channel_id, part=part
    )
