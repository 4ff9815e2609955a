"""Notify people that a channel is suspended."""

from datetime import UTC

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.campaigns import Campaign, CampaignTarget, Channel, TargetStatus
from services.platform import outbox

_OPEN = (TargetStatus.PENDING, TargetStatus.APPROVED)


async def notify_suspended(session: AsyncSession, channel: Channel, reason: str) -> None:
    """Notify the owner, the admins and the advertisers that a channel is suspended.

    An advertiser gets one message for each pending or approved placement in the channel. If the
    channel is suspended a second time, the advertiser gets no second message about the same
    placement. The admins get at most one message an hour about one channel and reason, because an
    owner can take and give rights all the time.
    """
    payload = {"channel_id": channel.id, "reason": reason}
    hour = f"{(await queries.now(session)).astimezone(UTC):%Y-%m-%dT%H}"
    for user_id, key in (
        (channel.owner_id, None),
        (None, f"channel_suspended:{channel.id}:{reason}:{hour}"),
    ):
        await outbox.add(
            session, user_id=user_id, kind="channel_suspended", payload=payload, key=key
        )
    open_placements = await session.execute(
        select(CampaignTarget.id, Campaign.advertiser_id)
        .join(Campaign, Campaign.id == CampaignTarget.campaign_id)
        .where(CampaignTarget.channel_id == channel.id, CampaignTarget.status.in_(_OPEN))
        .order_by(CampaignTarget.id)
    )
    for target_id, advertiser_id in open_placements.all():
        await outbox.add(
            session,
            user_id=advertiser_id,
            kind="placement_channel_suspended",
            payload={"target_id": target_id, "reason": reason},
            key=f"placement_channel_suspended:{target_id}",
        )
