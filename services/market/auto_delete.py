"""Compare promised hours with a channel's auto-delete timer, and tell people about a short timer.

Telegram removes each new post of a channel when the timer's time is over.
"""

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.campaigns import Campaign, CampaignTarget, Channel, TargetStatus
from db.models.formats import ChannelFormat
from services.platform import outbox
from services.platform.channel_errors import PromiseTooLong

HOUR = 3_600
PROOF_HOURS = 1
"""A post must be seen at the end of its promised hours, so the timer must be longer by this."""
TOO_SHORT = "channel_timer_short"
"""The kind of the message to the owner and the admins."""
PLACEMENT_TOO_SHORT = "placement_timer_short"
"""The kind of the message to the advertiser of a placement."""
_OPEN = (TargetStatus.PENDING, TargetStatus.APPROVED)


def most_hours(auto_delete_seconds: int | None) -> int | None:
    """Return the largest number of promised hours that a timer allows. None means no limit."""
    if not auto_delete_seconds:
        return None
    return max(auto_delete_seconds // HOUR - PROOF_HOURS, 0)


def is_too_short(channel: Channel, promised_hours: int) -> bool:
    """Return whether a channel's timer removes a post before its promised hours are over."""
    most = most_hours(channel.auto_delete_seconds)
    return most is not None and promised_hours > most


def require(channel: Channel, promised_hours: int) -> None:
    """Raise PromiseTooLong if a channel's timer removes a post before the hours are over."""
    most = most_hours(channel.auto_delete_seconds)
    if most is not None and promised_hours > most:
        raise PromiseTooLong(channel.id, promised_hours, most)


async def notify(session: AsyncSession, channel: Channel) -> None:
    """Tell people about a timer that is shorter than what the channel or a placement promises.

    The owner and the admins get one message about each length of the timer in an hour. The
    advertiser of a pending or approved placement gets one message about the placement.
    """
    open_placements = await session.execute(
        select(CampaignTarget.id, CampaignTarget.promised_hours, Campaign.advertiser_id)
        .join(Campaign, Campaign.id == CampaignTarget.campaign_id)
        .where(CampaignTarget.channel_id == channel.id, CampaignTarget.status.in_(_OPEN))
        .order_by(CampaignTarget.id)
    )
    longest = await session.scalar(
        select(func.max(ChannelFormat.promised_hours)).where(
            ChannelFormat.channel_id == channel.id, ChannelFormat.retired_at.is_(None)
        )
    )
    broken = [row for row in open_placements.all() if is_too_short(channel, row.promised_hours)]
    if not broken and not is_too_short(channel, longest or 0):
        return
    seconds = channel.auto_delete_seconds
    hour = f"{await queries.now(session):%Y-%m-%dT%H}"
    payload = {"channel_id": channel.id, "seconds": seconds, "placements": len(broken)}
    for user_id, to in ((channel.owner_id, "owner"), (None, "staff")):
        await outbox.add(
            session,
            user_id=user_id,
            kind=TOO_SHORT,
            payload=payload | {"to": to},
            key=f"{TOO_SHORT}:{channel.id}:{seconds}:{to}:{hour}",
        )
    for row in broken:
        await outbox.add(
            session,
            user_id=row.advertiser_id,
            kind=PLACEMENT_TOO_SHORT,
            payload={"target_id": row.id, "seconds": seconds},
            key=f"{PLACEMENT_TOO_SHORT}:{row.id}",
        )
