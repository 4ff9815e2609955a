"""Limit how often one advertiser can make the bot ask owners and admins about placements."""

from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.agreements import PlacementVersion
from db.models.campaigns import Campaign, CampaignTarget, TargetStatus

HOUR = timedelta(hours=1)
PER_HOUR = 5
"""After this many placements that an advertiser has changed or taken back within an hour, questions
wait."""


async def question_delay(session: AsyncSession, advertiser_id: int) -> timedelta:
    """Return after which time somebody is asked about an advertiser's newest placement.

    Submitting placements, changing them and taking them back costs nothing. Without this limit, an
    advertiser could fill the chat of an owner, and the admin chat.
    """
    taken_back = await session.scalar(
        select(func.count())
        .select_from(CampaignTarget)
        .join(Campaign, Campaign.id == CampaignTarget.campaign_id)
        .where(
            Campaign.advertiser_id == advertiser_id,
            CampaignTarget.status == TargetStatus.WITHDRAWN,
            CampaignTarget.decided_at > func.clock() - HOUR,
        )
    )
    changed = await session.scalar(
        select(func.count())
        .select_from(PlacementVersion)
        .join(CampaignTarget, CampaignTarget.id == PlacementVersion.campaign_target_id)
        .join(Campaign, Campaign.id == CampaignTarget.campaign_id)
        .where(
            Campaign.advertiser_id == advertiser_id,
            PlacementVersion.created_at > func.clock() - HOUR,
        )
    )
    return HOUR * (((taken_back or 0) + (changed or 0)) // PER_HOUR)
