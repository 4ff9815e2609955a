"""Notify people that a channel is suspended."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.campaigns import Campaign, CampaignTarget, Channel, TargetStatus
from services.platform import outbox

_OPEN = (TargetStatus.PENDING, TargetStatus.APPROVED)


async def notify_suspended(
    session: AsyncSession, channel: Channel, reason: str, *, to_staff: bool = True
) -> None:
    """Notify the owner, the admins and the advertisers that a channel is suspended.

    The admins get at most one message an hour about a channel and a reason, however often rights
    are taken and given back. An advertiser gets one message for each pending or approved placement,
    and never a second one. If `to_staff` is False, the admins get no message.
    """
    payload = {"channel_id": channel.id, "reason": reason}
    key = f"channel_suspended:{channel.id}:{reason}:{await queries.now(session):%Y-%m-%dT%H}"
    receivers = [(channel.owner_id, None), *([(None, key)] if to_staff else [])]
    for user_id, once in receivers:
        await outbox.add(
            session, user_id=user_id, kind="channel_suspended", payload=payload, key=once
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
