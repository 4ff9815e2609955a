"""Take channels off the market whose owners removed too many posts early, until the staff look."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import BigInteger, Text, bindparam, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from db.correlation import correlation_id
from db.models.campaigns import CampaignTarget, Channel, ChannelStatus
from db.models.posting import PostJob, PostJobStatus
from services.market import channel_notices, channels
from services.platform import errors, outbox, users
from services.platform.actors import MODERATORS, Actor

PERIOD = timedelta(days=30)
"""The database function `suspend_after_removals` counts the removals of this time."""
SHOWN = 10
_SUSPEND = text("SELECT channel_id, target_ids FROM suspend_after_removals(:correlation_id)")
_OFFER = text(
    "SELECT offer_channel_again(:channel_id, :actor_id, :role, :reason, :correlation_id)"
).bindparams(
    bindparam("channel_id", type_=BigInteger),
    bindparam("actor_id", type_=BigInteger),
    *(bindparam(name, type_=Text) for name in ("role", "reason", "correlation_id")),
)


class Removal(NamedTuple):
    """One early removal: the placement, its promised hours, and when its post was missed."""

    target_id: int
    promised_hours: int
    published_at: datetime | None
    removed_at: datetime


@dataclass(frozen=True)
class ChannelRemovals:
    """A channel with the newest early removals by its present owner."""

    channel: Channel
    owner_telegram_id: int
    removals: Sequence[Removal]


async def suspend_due(session: AsyncSession) -> int:
    """Suspend the channels with three early removals in PERIOD. Return their number.

    Notifies the owner, the admins and the advertisers of each channel. Locks the channels by id.
    """
    found = await session.execute(_SUSPEND, {"correlation_id": correlation_id.get()})
    suspended = found.all()
    for channel_id, target_ids in suspended:
        channel = await session.get_one(Channel, channel_id, populate_existing=True)
        await channel_notices.notify_suspended(
            session, channel, channels.REMOVED_EARLY, to_staff=False
        )
        await outbox.add(
            session,
            user_id=None,
            kind="early_removals",
            payload={"channel_id": channel_id},
            key=f"early_removals:{channel_id}:{target_ids[0]}",
        )
    return len(suspended)


async def get(session: AsyncSession, channel_id: int) -> ChannelRemovals:
    """Return a channel with its newest early removals, the newest first. Raises NotFound."""
    channel = await channels.get(session, channel_id)
    await session.refresh(channel)
    owner = await users.get(session, channel.owner_id)
    rows = await session.execute(
        select(
            CampaignTarget.id,
            CampaignTarget.promised_hours,
            func.coalesce(PostJob.sent_at, PostJob.first_sent_at),
            PostJob.updated_at,
        )
        .join(PostJob, PostJob.campaign_target_id == CampaignTarget.id)
        .where(
            PostJob.channel_id == channel_id,
            PostJob.status == PostJobStatus.FAILED,
            PostJob.last_error == "removed",
            CampaignTarget.owner_id == channel.owner_id,
        )
        .order_by(PostJob.updated_at.desc(), CampaignTarget.id.desc())
        .limit(SHOWN)
    )
    return ChannelRemovals(channel, owner.telegram_id, [Removal(*row) for row in rows])


async def offer_again(
    session: AsyncSession, *, actor: Actor, channel_id: int, reason: str
) -> Channel:
    """Let a channel be offered again, after an admin has looked at its early removals.

    The removals that are known by now count no more. The channel gets back the status from before,
    unless it is suspended for another reason too. If it can be offered already, nothing changes.
    Notifies the owner. Locks the channel. Raises AccessDenied, NotFound, OwnMoney.
    """
    role = actor.require_staff(*MODERATORS, action="channel_offer_again")
    code = await session.scalar(
        _OFFER,
        {
            "channel_id": channel_id,
            "actor_id": actor.user_id,
            "role": role.value,
            "reason": reason,
            "correlation_id": correlation_id.get(),
        },
    )
    if code == "not_found":
        raise errors.NotFound("channel", channel_id)
    if code == "own_money":
        raise errors.OwnMoney(channel_id)
    channel = await session.get_one(Channel, channel_id, populate_existing=True)
    if code is not None:
        return channel
    if (channel.status, channel.status_reason) == (
        ChannelStatus.SUSPENDED,
        channels.REMOVED_EARLY,
    ):
        await _restore(session, channel)
    await outbox.add(
        session,
        user_id=channel.owner_id,
        kind="channel_offered_again",
        payload={"channel_id": channel_id},
    )
    return channel


async def _restore(session: AsyncSession, channel: Channel) -> None:
    if await users.first_blocked(session, channel.owner_id):
        channel.status_reason = channels.OWNER_BLOCKED
        await session.flush()
    else:
        await channels.restore(session, channel)
