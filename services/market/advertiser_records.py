"""Count what has become of an advertiser's approved placements, for the owners who are asked."""

from typing import NamedTuple

from sqlalchemy import BigInteger, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.campaigns import Campaign, CampaignTarget, TargetStatus

_ONCE_APPROVED = (TargetStatus.APPROVED, TargetStatus.POSTED, TargetStatus.REFUNDED)


class AdvertiserRecord(NamedTuple):
    """The outcomes of an advertiser's approved placements."""

    kept: int
    """How many stayed in their channels as promised, so that their owners were paid."""
    cancelled: int
    """How many the advertiser has cancelled after the approval."""
    approved: int
    """How many were approved, whatever became of them."""


async def read(session: AsyncSession, advertiser_id: int) -> AdvertiserRecord:
    """Return the record of an advertiser."""
    counted = await session.execute(
        select(
            func.count_kept(literal(advertiser_id, BigInteger)),
            func.count(CampaignTarget.cancelled_at),
            func.count(),
        )
        .select_from(CampaignTarget)
        .join(Campaign, Campaign.id == CampaignTarget.campaign_id)
        .where(Campaign.advertiser_id == advertiser_id, CampaignTarget.status.in_(_ONCE_APPROVED))
    )
    return AdvertiserRecord(*counted.one())
