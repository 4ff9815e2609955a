"""Queue the cards (messages with buttons in the admin chat) about pending placements."""

from typing import Any

from sqlalchemy import ScalarSelect, String, Subquery, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.campaigns import Campaign, CampaignTarget, TargetStatus
from db.models.operations import OutboxMessage
from services.platform import outbox

OPEN_CARDS = 3
"""The greatest number of an advertiser's pending placements with a card."""
BATCH = 100
KIND = "target_submitted"
_KEY = f"{KIND}:"


def rank_pending(*conditions: Any) -> Subquery:
    """Build a query that ranks each advertiser's pending placements by age (oldest: 1)."""
    rank = func.row_number().over(partition_by=Campaign.advertiser_id, order_by=CampaignTarget.id)
    return (
        select(CampaignTarget.id, rank.label("rank"))
        .join(Campaign, Campaign.id == CampaignTarget.campaign_id)
        .where(CampaignTarget.status == TargetStatus.PENDING, *conditions)
        .subquery()
    )


def count_pending() -> ScalarSelect[int]:
    """Build a subquery that counts the pending placements of a campaign's advertiser.

    The caller's query must select from `campaigns`.
    """
    others = Campaign.__table__.alias("campaigns_of_advertiser")
    pending = CampaignTarget.__table__.alias("pending_targets")
    return (
        select(func.count())
        .select_from(pending.join(others, others.c.id == pending.c.campaign_id))
        .where(
            pending.c.status == TargetStatus.PENDING,
            others.c.advertiser_id == Campaign.advertiser_id,
        )
        .correlate(Campaign)
        .scalar_subquery()
    )


async def queue_due(session: AsyncSession, *, advertiser_id: int | None = None) -> int:
    """Queue the missing cards of one advertiser, or of all advertisers.

    The OPEN_CARDS oldest pending placements of each advertiser get one card each. Returns the
    number of queued cards, at most BATCH.
    """
    conditions = [] if advertiser_id is None else [Campaign.advertiser_id == advertiser_id]
    ranked = rank_pending(*conditions)
    key = literal(_KEY, String) + ranked.c.id.cast(String)
    due = await session.scalars(
        select(ranked.c.id)
        .where(
            ranked.c.rank <= OPEN_CARDS,
            ~select(OutboxMessage.id).where(OutboxMessage.key == key).exists(),
        )
        .order_by(ranked.c.id)
        .limit(BATCH)
    )
    target_ids = due.all()
    for target_id in target_ids:
        await outbox.add(
            session,
            user_id=None,
            kind=KIND,
            payload={"target_id": target_id},
            key=f"{_KEY}{target_id}",
        )
    return len(target_ids)
