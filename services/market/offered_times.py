"""Find the days and the times to offer for a placement, by the buttons of a form.

They are the free times of a channel that has a calendar, and else the usual hours.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from services.market import kept_times

USUAL_HOURS = (9, 10, 12, 14, 16, 18, 19, 20, 21)
"""The hours that are offered for a channel without a calendar."""


class Place(NamedTuple):
    """The channel of a placement, and how long no other ad may come after the ad."""

    channel_id: int
    on_top: timedelta


async def days(
    session: AsyncSession,
    place: Place | None,
    wanted: Sequence[date],
    zone: tzinfo,
    *,
    ahead: timedelta,
) -> Sequence[date]:
    """Return those of some days of a time zone on which there is a time to offer, from now on.

    No day is more than `ahead` from now. `place` is None for several channels.
    """
    now = await queries.now(session)
    last = (now + ahead).astimezone(zone).date()
    wanted = [day for day in wanted if day <= last]
    if place is not None and await kept_times.is_kept(session, place.channel_id):
        return await kept_times.free_days(
            session, place.channel_id, wanted, zone, on_top=place.on_top
        )
    return [day for day in wanted if _usual(day, zone, now)]


async def times(
    session: AsyncSession, place: Place | None, day: date, zone: tzinfo
) -> Sequence[datetime]:
    """Return the times to offer on a day of a time zone. `place` is None for several channels."""
    if place is not None and await kept_times.is_kept(session, place.channel_id):
        return await kept_times.free_on(session, place.channel_id, day, zone, on_top=place.on_top)
    return _usual(day, zone, await queries.now(session))


def _usual(day: date, zone: tzinfo, now: datetime) -> list[datetime]:
    """Return the usual hours of a day that are not over, in UTC."""
    local = (datetime.combine(day, time(hour), zone) for hour in USUAL_HOURS)
    found = (at.astimezone(UTC) for at in local)
    return [at for at in found if at > now + kept_times.SOON]
