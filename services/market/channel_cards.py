"""Read what a buyer wants to know about a channel before paying."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, Interval, bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.calendars import ChannelCalendar
from db.models.campaigns import Channel, ChannelStatus
from db.models.formats import ChannelFormat
from db.models.results import ChannelClicks
from services.market import (
    calendars,
    channel_activity,
    channels,
    formats,
    kept_times,
    managers,
    owner_records,
    subscriber_counts,
)
from services.market.channel_activity import Activity
from services.market.owner_records import OwnerRecord
from services.market.subscriber_counts import Growth
from services.platform import users
from services.platform.actors import Actor

ADS_PERIOD = timedelta(days=30)
"""The ads of this time are counted."""
MOST_ADS = 1_000
"""At most this number of a channel's newest ads is read."""
_ADS = text(
    f"""
    SELECT count(*) FILTER (WHERE sent_at > clock() - :period) FROM (
        SELECT sent_at FROM post_jobs WHERE channel_id = :channel_id AND message_id IS NOT NULL
        ORDER BY message_id DESC LIMIT {MOST_ADS}
    ) AS newest
    """  # noqa: S608 - only a number is put in
).bindparams(bindparam("channel_id", type_=BigInteger), bindparam("period", type_=Interval))


@dataclass(frozen=True)
class ChannelCard:
    """The facts about one channel."""

    channel: Channel
    is_offered: bool
    """True if posts can be bought in the channel now."""
    formats: Sequence[ChannelFormat]
    record: OwnerRecord
    calendar: ChannelCalendar | None
    free_times: Sequence[datetime]
    """The next free times of the calendar, for the first format."""
    growth: Growth | None
    """None if Telegram was not asked on any day yet."""
    activity: Activity | None
    """None if the bot has counted no post yet."""
    ads: int
    """How many ads the bot has published here in the last `ads_days`."""
    clicks: ChannelClicks | None
    """The clicks of earlier ads with tracked links, or None if none was measured."""
    ads_days: int
    """ADS_PERIOD in days, or the days since the channel was connected, at least 1."""


async def read(session: AsyncSession, channel_id: int) -> ChannelCard:
    """Return the card of a channel, whatever its status. Raises NotFound."""
    channel = await channels.get(session, channel_id)
    offered = await formats.of_channel(session, channel_id)
    owner = await users.get(session, channel.owner_id)
    now = await queries.now(session)
    times: Sequence[datetime] = ()
    if offered:
        times = await kept_times.free(
            session,
            channel_id,
            after=now + kept_times.SOON,
            until=now + kept_times.SUGGESTED_WITHIN,
            wanted=kept_times.SUGGESTED,
            on_top=timedelta(hours=offered[0].hours_on_top),
        )
    ads = await session.scalar(_ADS, {"channel_id": channel_id, "period": ADS_PERIOD})
    return ChannelCard(
        channel=channel,
        is_offered=channel.status is ChannelStatus.ACTIVE and bool(offered) and not owner.blocked,
        formats=offered,
        record=(await owner_records.of_channels(session, [channel_id]))[channel_id],
        calendar=await calendars.find(session, channel_id),
        free_times=times,
        growth=subscriber_counts.growth(await subscriber_counts.of_channel(session, channel_id)),
        activity=await channel_activity.read(session, channel_id),
        ads=ads or 0,
        clicks=await session.get(ChannelClicks, channel_id, populate_existing=True),
        ads_days=min(max((now - channel.created_at).days, 1), ADS_PERIOD.days),
    )


async def is_own(session: AsyncSession, *, actor: Actor, channel: Channel) -> bool:
    """Return whether the actor is the owner or a manager of a channel."""
    return channel.owner_id == actor.user_id or await managers.is_manager(
        session, channel_id=channel.id, owner_id=channel.owner_id, user_id=actor.user_id
    )


def per_thousand(price: int, subscribers: int) -> int | None:
    """Return the price for each 1,000 subscribers, in minor units. None without a subscriber."""
    return round(price * 1_000 / subscribers) if subscribers else None
