"""Queue the cards (messages with buttons in the admin chat) about pending placements.

A placement that its channel's owner has not accepted yet has no card.
"""

from datetime import timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    ScalarSelect,
    String,
    Subquery,
    case,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.campaigns import Campaign, CampaignTarget, TargetStatus
from db.models.operations import OutboxMessage
from services.market import placement_delays
from services.platform import outbox

OPEN_CARDS = 3
"""The greatest number of an advertiser's pending placements with a card."""
BATCH = 100
KIND = "target_submitted"
_KEY = f"{KIND}:"


def key_of(target_id: int, version: int) -> str:
    """Return what names one version of a placement in the keys of messages."""
    return f"{target_id}:{version}" if version > 1 else str(target_id)


def waits_for_admin(table: Any) -> ColumnElement[bool]:
    """Build the condition that an admin can decide about a pending row of `table` (placements)."""
    return or_(table.answer_due_at.is_(None), table.agreed_at.is_not(None))


def rank_pending(*conditions: Any) -> Subquery:
    """Build a query that ranks each advertiser's decidable pending placements by age (oldest: 1).

    Only placements that wait for an admin are ranked (`waits_for_admin`).
    """
    rank = func.row_number().over(partition_by=Campaign.advertiser_id, order_by=CampaignTarget.id)
    return (
        select(
            CampaignTarget.id,
            Campaign.advertiser_id,
            CampaignTarget.version,
            rank.label("rank"),
        )
        .join(Campaign, Campaign.id == CampaignTarget.campaign_id)
        .where(
            CampaignTarget.status == TargetStatus.PENDING,
            waits_for_admin(CampaignTarget),
            *conditions,
        )
        .subquery()
    )


def count_pending() -> ScalarSelect[int]:
    """Build a subquery that counts an advertiser's placements that wait for an admin.

    The caller's query must select from `campaigns`.
    """
    others = Campaign.__table__.alias("campaigns_of_advertiser")
    pending = CampaignTarget.__table__.alias("pending_targets")
    return (
        select(func.count())
        .select_from(pending.join(others, others.c.id == pending.c.campaign_id))
        .where(
            pending.c.status == TargetStatus.PENDING,
            waits_for_admin(pending.c),
            others.c.advertiser_id == Campaign.advertiser_id,
        )
        .correlate(Campaign)
        .scalar_subquery()
    )


async def queue_due(session: AsyncSession, *, advertiser_id: int | None = None) -> int:
    """Queue the missing cards of one advertiser, or of all advertisers.

    The OPEN_CARDS oldest pending placements of each advertiser get one card each. Returns the
    number of queued cards, at most BATCH. Cards wait if their advertiser takes placements back all
    the time (`placement_delays`).
    """
    conditions = [] if advertiser_id is None else [Campaign.advertiser_id == advertiser_id]
    ranked = rank_pending(*conditions)
    suffix = case((ranked.c.version > 1, func.concat(":", ranked.c.version)), else_="")
    key = literal(_KEY, String) + ranked.c.id.cast(String) + suffix
    due = await session.execute(
        select(ranked.c.id, ranked.c.advertiser_id, ranked.c.version)
        .where(
            ranked.c.rank <= OPEN_CARDS,
            ~select(OutboxMessage.id).where(OutboxMessage.key == key).exists(),
        )
        .order_by(ranked.c.id)
        .limit(BATCH)
    )
    cards, delays = due.all(), dict[int, timedelta]()
    for target_id, buyer_id, version in cards:
        if buyer_id not in delays:
            delays[buyer_id] = await placement_delays.question_delay(session, buyer_id)
        await outbox.add(
            session,
            user_id=None,
            kind=KIND,
            payload={"target_id": target_id},
            key=f"{_KEY}{key_of(target_id, version)}",
            due_in=delays[buyer_id],
        )
    return len(cards)
