"""Expire the pending placements that nobody decided or answered in time."""

from datetime import timedelta

from sqlalchemy import and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.campaigns import Campaign, CampaignStatus, CampaignTarget, TargetStatus
from services.market import agreements, change_requests
from services.money import wallets
from services.platform import audit, outbox
from services.platform.actors import SYSTEM

BATCH = 100
DECISION_LIMIT = timedelta(hours=72)
"""A placement without a decision expires this long after its submission or its last change."""


async def expire_targets(session: AsyncSession) -> int:
    """Expire pending placements DECISION_LIMIT after submission or change, or at `publish_at`.

    A placement that its owner has not answered expires at `answer_due_at`. If the owner has asked
    for a change, the advertiser has as much time for it as the owner had. Placements of a
    cancelled campaign are withdrawn instead, and placements with an escrow stay. Returns the number
    of changed placements, at most BATCH. Locks the placements by id, and skips those that another
    transaction has locked.
    """
    cancelled = Campaign.status == CampaignStatus.CANCELLED
    locked = await session.scalars(
        select(CampaignTarget.id)
        .join(Campaign, Campaign.id == CampaignTarget.campaign_id)
        .where(
            CampaignTarget.status == TargetStatus.PENDING,
            or_(
                func.coalesce(CampaignTarget.changed_at, CampaignTarget.created_at)
                < func.clock() - DECISION_LIMIT,
                CampaignTarget.publish_at <= func.clock(),
                and_(
                    CampaignTarget.answer_due_at <= func.clock(),
                    agreements.is_asked(),
                    ~change_requests.waits_for_advertiser(),
                ),
                cancelled,
            ),
            ~queries.has_escrow(),
        )
        .order_by(CampaignTarget.id)
        .limit(BATCH)
        .with_for_update(of=CampaignTarget, skip_locked=True)
    )
    # The escrows are read again under the locks, because a hold does not change the target's row.
    expiring = await session.execute(
        select(CampaignTarget, Campaign.advertiser_id, cancelled)
        .join(Campaign, Campaign.id == CampaignTarget.campaign_id)
        .where(CampaignTarget.id.in_(locked.all()), ~queries.has_escrow())
        .order_by(CampaignTarget.id)
        .execution_options(populate_existing=True)
    )
    rows = expiring.all()
    moment = await queries.now(session)
    for target, advertiser_id, withdrawn in rows:
        wanted = await change_requests.find_open(session, target.id)
        target.status = TargetStatus.WITHDRAWN if withdrawn else TargetStatus.EXPIRED
        target.decided_at = moment
        await session.flush()
        await audit.record(
            session,
            actor=SYSTEM,
            action=f"target_{target.status}",
            role="system",
            target_id=target.id,
        )
        if not withdrawn:
            await outbox.add(
                session,
                user_id=advertiser_id,
                kind="target_expired",
                payload={
                    "target_id": target.id,
                    "loss": await wallets.open_loss(session, advertiser_id),
                    "unanswered": target.answer_due_at is not None and target.agreed_at is None,
                    "missing_answer": "changed" if wanted else None,
                },
                key=f"target_expired:{target.id}",
            )
    await agreements.notify_ended(session, [target.id for target, _, _ in rows])
    return len(rows)
