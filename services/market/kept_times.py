"""Find the free times of channels, and read the times that are kept for placements.

A channel's calendar says at which hours and days it publishes ads, and how far apart. The database
keeps the times by triggers (`keep_time`, `keep_next_time`), and refuses two that are too close.
"""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import NamedTuple

from sqlalchemy import ARRAY, BigInteger, DateTime, Interval, bindparam, func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.calendars import ChannelCalendar, KeptTime
from db.models.campaigns import Campaign, CampaignTarget
from db.session import detail
from services.platform.calendar_errors import NoFreeTime, TimeNotFree
from services.platform.errors import DomainError

AHEAD = timedelta(days=7)
"""A post without a chosen time gets a time within this period, as in `keep_next_time`."""
SUGGESTED = 3
"""How many free times are suggested in place of a time that is not free."""
STEP = timedelta(hours=1)
"""Suggested times are multiples of this, in the zone of the channel."""
SUGGESTED_WITHIN = timedelta(days=31)
TIMES_A_DAY = 48
SOON = timedelta(minutes=1)
"""A free time within this time from now counts as now."""
_FREE = text(
    "SELECT free FROM free_times(:channel_id, :after, :until, :wanted, :step, :on_top) AS free"
).bindparams(
    bindparam("channel_id", type_=BigInteger),
    bindparam("after", type_=DateTime(timezone=True)),
    bindparam("until", type_=DateTime(timezone=True)),
    bindparam("step", type_=Interval),
    bindparam("on_top", type_=Interval),
)
_DAYS = text(
    """
    SELECT day.number
    FROM unnest(:begins, :ends) WITH ORDINALITY AS day (begins_at, ends_at, number)
    WHERE EXISTS (SELECT FROM free_times(
        :channel_id, day.begins_at, day.ends_at, 1, :step, :on_top))
    ORDER BY day.number
    """
).bindparams(
    bindparam("channel_id", type_=BigInteger),
    bindparam("step", type_=Interval),
    bindparam("on_top", type_=Interval),
    bindparam("begins", type_=ARRAY(DateTime(timezone=True))),
    bindparam("ends", type_=ARRAY(DateTime(timezone=True))),
)


class PlannedAd(NamedTuple):
    """A placement for which a time of its channel is kept."""

    target_id: int
    campaign_name: str
    status: str
    at: datetime


async def is_kept(session: AsyncSession, channel_id: int) -> bool:
    """Return whether a channel has a calendar, so that its times are kept for placements."""
    found = await session.scalar(
        select(ChannelCalendar.channel_id).where(ChannelCalendar.channel_id == channel_id)
    )
    return found is not None


async def free(
    session: AsyncSession,
    channel_id: int,
    *,
    after: datetime,
    until: datetime,
    wanted: int,
    on_top: timedelta = timedelta(),
) -> Sequence[datetime]:
    """Return the first free times of a channel that are multiples of STEP, at most `wanted`.

    `after` and `until` have a time zone. `on_top` is how long no other ad may come after the ad. A
    channel without a calendar has no free times.
    """
    found = await session.scalars(
        _FREE,
        {
            "channel_id": channel_id,
            "after": after,
            "until": until,
            "wanted": wanted,
            "step": STEP,
            "on_top": on_top,
        },
    )
    return found.all()


async def free_days(
    session: AsyncSession,
    channel_id: int,
    days: Sequence[date],
    zone: tzinfo,
    *,
    on_top: timedelta = timedelta(),
) -> Sequence[date]:
    """Return those of some days of a time zone on which a channel has a free time, from now on.

    `on_top` is how long no other ad may come after the ad.
    """
    soon = await queries.now(session) + SOON
    limits = [day_limits(day, zone, soon) for day in days]
    found = await session.scalars(
        _DAYS,
        {
            "channel_id": channel_id,
            "begins": [begins_at for begins_at, _ in limits],
            "ends": [ends_at for _, ends_at in limits],
            "step": STEP,
            "on_top": on_top,
        },
    )
    return [days[number - 1] for number in found]


async def free_on(
    session: AsyncSession,
    channel_id: int,
    day: date,
    zone: tzinfo,
    *,
    on_top: timedelta = timedelta(),
) -> Sequence[datetime]:
    """Return the free times of a channel on one day of a time zone, from now on.

    `on_top` is how long no other ad may come after the ad.
    """
    after, until = day_limits(day, zone, await queries.now(session) + SOON)
    return await free(
        session, channel_id, after=after, until=until, wanted=TIMES_A_DAY, on_top=on_top
    )


def day_limits(day: date, zone: tzinfo, soon: datetime) -> tuple[datetime, datetime]:
    """Return the first and the last moment of a day in a time zone, but none before `soon`."""
    begins_at, next_day = (
        datetime.combine(each, time(), zone).astimezone(UTC)
        for each in (day, day + timedelta(days=1))
    )
    return max(begins_at, soon), next_day - timedelta(seconds=1)


async def soonest(
    session: AsyncSession, channel_id: int, *, on_top: timedelta = timedelta()
) -> datetime | None:
    """Return the first free time of a channel from now on, or None if there is none within AHEAD.

    `on_top` is how long no other ad may come after the ad. A channel without a calendar has none.
    """
    now = await queries.now(session)
    found: datetime | None = await session.scalar(
        _FREE,
        {
            "channel_id": channel_id,
            "after": now,
            "until": now + AHEAD,
            "wanted": 1,
            "step": None,
            "on_top": on_top,
        },
    )
    return found


async def require(
    session: AsyncSession,
    channel_id: int,
    at: datetime | None,
    *,
    on_top: timedelta = timedelta(),
) -> None:
    """Refuse a time at which a channel with a calendar publishes no ad. None means "soon".

    `on_top` is how long no other ad may come after the ad. With a time, the calendar is locked
    until the end of the transaction, so that the time stays free. Raises TimeNotFree, NoFreeTime.
    """
    if at is None:
        if (
            await is_kept(session, channel_id)
            and await soonest(session, channel_id, on_top=on_top) is None
        ):
            raise NoFreeTime(channel_id)
        return
    why = await session.scalar(select(func.check_time(channel_id, at, on_top)))
    if why is not None:
        times = await free(
            session,
            channel_id,
            after=at,
            until=at + SUGGESTED_WITHIN,
            wanted=SUGGESTED,
            on_top=on_top,
        )
        raise TimeNotFree(channel_id, why, tuple(times))


def domain_error(error: DBAPIError) -> DomainError | None:
    """Translate an error of `keep_time` or `keep_next_time`. Returns None for any other error.

    The error has no suggested times, because its transaction cannot read any more.
    """
    state = getattr(error.orig, "sqlstate", None)
    if state == "AD110":
        return TimeNotFree(**json.loads(detail(error)), times=())
    return NoFreeTime(**json.loads(detail(error))) if state == "AD111" else None


async def planned(
    session: AsyncSession, channel_id: int, *, begin: datetime, end: datetime
) -> Sequence[PlannedAd]:
    """Return the ads whose time in a channel is kept between two times, the earliest first."""
    rows = await session.execute(
        select(
            KeptTime.campaign_target_id, Campaign.name, CampaignTarget.status, KeptTime.kept_from
        )
        .join(CampaignTarget, CampaignTarget.id == KeptTime.campaign_target_id)
        .join(Campaign, Campaign.id == CampaignTarget.campaign_id)
        .where(
            KeptTime.channel_id == channel_id,
            KeptTime.freed_at.is_(None),
            KeptTime.kept_from >= begin,
            KeptTime.kept_from < end,
        )
        .order_by(KeptTime.kept_from)
    )
    return [PlannedAd(*row) for row in rows]
