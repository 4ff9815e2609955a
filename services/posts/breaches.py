"""Record breaches (promises about published posts that the channel's owner broke)."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.campaigns import Campaign, CampaignTarget, Channel
from db.models.money import Escrow
from db.models.posting import Breach, PostJob, PostJobStatus
from services.market import channels
from services.platform import audit, outbox
from services.platform.actors import SYSTEM

DECISION_TIME = timedelta(hours=24)
"""After this time without an admin's decision, the advertiser gets the money back."""


def is_locked_out() -> ColumnElement[bool]:
    """Build the SQL condition that the bot lacks rights that it lost during the promised hours.

    The caller's query must select from `channels` and `escrows`.
    """
    return ~channels.is_accessible() & (Channel.suspended_at < Escrow.release_due_at)


async def record(session: AsyncSession, job_ids: Sequence[int], breach: Breach) -> None:
    """Record a breach for published posts, and notify the owners, the advertisers and the admins.

    A post that already has a breach is skipped. The caller must have locked the jobs.
    """
    recorded = await session.execute(
        update(PostJob)
        .where(
            PostJob.id.in_(job_ids),
            PostJob.breach.is_(None),
            CampaignTarget.id == PostJob.campaign_target_id,
            Campaign.id == CampaignTarget.campaign_id,
        )
        .values(breach=breach, breach_refund_at=func.clock() + DECISION_TIME)
        .returning(
            PostJob.id,
            PostJob.campaign_target_id,
            PostJob.breach_refund_at,
            CampaignTarget.owner_id,
            Campaign.advertiser_id,
        )
        .execution_options(synchronize_session=False)
    )
    for job_id, target_id, refund_at, owner_id, advertiser_id in recorded.all():
        await audit.record(
            session,
            actor=SYSTEM,
            action="post_breach",
            role="system",
            post_job_id=job_id,
            target_id=target_id,
            breach=breach,
        )
        await _notify(session, target_id, breach, refund_at, owner_id, advertiser_id)


async def _notify(
    session: AsyncSession,
    target_id: int,
    breach: Breach,
    refund_at: datetime | None,
    owner_id: int,
    advertiser_id: int,
) -> None:
    until = queries.required(refund_at).isoformat()
    payload = {"target_id": target_id, "breach": breach, "until": until}
    for party, user_id in (("owner", owner_id), ("advertiser", advertiser_id)):
        await outbox.add(
            session, user_id=user_id, kind="post_breach", payload=payload | {"to": party}
        )
    await outbox.add(session, user_id=None, kind="post_unseen", payload={"target_id": target_id})


async def refund_due(session: AsyncSession, *, limit: int) -> int:
    """Mark jobs as failed if no admin has decided about their breach in time. Return how many.

    The scheduler then refunds the escrows. Locks up to `limit` jobs, and skips those that another
    transaction has locked.
    """
    due = (
        select(PostJob.id)
        .where(
            PostJob.status == PostJobStatus.SUCCESS,
            PostJob.breach.is_not(None),
            PostJob.breach_refund_at <= func.clock(),
            ~PostJob.settled,
        )
        .order_by(PostJob.breach_refund_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    failed = await session.execute(
        update(PostJob)
        .where(PostJob.id == due.c.id, CampaignTarget.id == PostJob.campaign_target_id)
        .values(
            status=PostJobStatus.FAILED,
            last_error=func.concat("breach: ", PostJob.breach),
            updated_at=func.clock(),
        )
        .returning(PostJob.id, PostJob.campaign_target_id, CampaignTarget.owner_id)
        .execution_options(synchronize_session=False)
    )
    rows = failed.all()
    for row in rows:
        await audit.record(
            session,
            actor=SYSTEM,
            action="post_breach_refunded",
            role="system",
            post_job_id=row.id,
            target_id=row.campaign_target_id,
        )
        await outbox.add(
            session,
            user_id=row.owner_id,
            kind="post_breach_refunded",
            payload={"target_id": row.campaign_target_id, "to": "owner"},
            key=f"post_breach_refunded:{row.campaign_target_id}",
        )
    return len(rows)
