"""Rescue posts whose worker died before it recorded an outcome. Cancel unwanted queued posts."""

from datetime import timedelta

from sqlalchemy import case, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.campaigns import Campaign, CampaignStatus, CampaignTarget
from db.models.posting import PostJob, PostJobStatus
from db.models.users import User
from services.platform import audit, leases
from services.platform.actors import SYSTEM
from services.posts import posting

MAX_ABANDONED = 5
"""If this many claims of a post were abandoned (its workers died), its job fails for good.

The post itself may be the cause of the crashes.
"""
BATCH = 100

_RESCUED = {
    PostJobStatus.UNCERTAIN: "post_uncertain",
    PostJobStatus.QUEUED: "post_rescued",
    PostJobStatus.FAILED: "post_failed",
}


async def cancel_unwanted(session: AsyncSession) -> int:
    """Cancel queued posts of blocked advertisers and of cancelled campaigns. Return how many.

    A post that was being sent when its campaign was cancelled can be queued again afterwards. This
    function finds such posts. The scheduler refunds the cancelled posts separately. Locks up to
    BATCH jobs, and skips those that another transaction has locked.
    """
    unwanted = (
        select(PostJob.id)
        .join(CampaignTarget, CampaignTarget.id == PostJob.campaign_target_id)
        .join(Campaign, Campaign.id == CampaignTarget.campaign_id)
        .join(User, User.id == Campaign.advertiser_id)
        .where(
            PostJob.status == PostJobStatus.QUEUED,
            or_(Campaign.status == CampaignStatus.CANCELLED, User.blocked),
        )
        .order_by(PostJob.id)
        .limit(BATCH)
        .with_for_update(of=PostJob, skip_locked=True)
        .cte("unwanted")
    )
    cancelled = await session.execute(
        update(PostJob)
        .where(PostJob.id == unwanted.c.id)
        .values(status=PostJobStatus.CANCELLED, updated_at=func.clock())
        .returning(PostJob.id, PostJob.campaign_target_id)
        .execution_options(synchronize_session=False)
    )
    rows = cancelled.all()
    for row in rows:
        await audit.record(
            session,
            actor=SYSTEM,
            action="post_cancelled",
            role="system",
            post_job_id=row.id,
            target_id=row.campaign_target_id,
        )
    return len(rows)


async def rescue_abandoned(session: AsyncSession, *, lease: timedelta | None = None) -> int:
    """Rescue claimed posts whose worker's lease has ended without an outcome. Return how many.

    `lease` is the length of a lease by the real clock. If it is given, a lease whose end is too far
    in the future counts as ended too: the database's clock was set back after the claim.

    If the send of a post had begun, the post becomes uncertain: it may be in the channel. Every
    other post was surely not sent. It is queued again, or its job fails if its claims were
    abandoned MAX_ABANDONED times. Locks up to BATCH jobs, and skips those that are locked.
    """
    expired = (
        select(PostJob.id)
        .where(
            PostJob.status == PostJobStatus.SENDING, leases.has_ended(PostJob.lease_until, lease)
        )
        .order_by(PostJob.lease_until)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
        .cte("expired")
    )
    status = case(
        (
            PostJob.unsent_claim_no.is_distinct_from(PostJob.claim_no),
            PostJobStatus.UNCERTAIN.value,
        ),
        (PostJob.abandoned + 1 >= MAX_ABANDONED, PostJobStatus.FAILED.value),
        else_=PostJobStatus.QUEUED.value,
    )
    abandoned = await session.execute(
        update(PostJob)
        .where(PostJob.id == expired.c.id)
        .values(
            status=status,
            lease_owner=None,
            lease_until=None,
            abandoned=PostJob.abandoned + 1,
            due_at=func.clock()
            + func.make_interval(
                0, 0, 0, 0, 0, 0, posting.INITIAL_BACKOFF.total_seconds() * PostJob.abandoned
            ),
            last_error="the worker was gone before it could record the outcome",
            updated_at=func.clock(),
            **posting.uncertain_values(),
        )
        .returning(
            PostJob.id,
            PostJob.claim_no,
            PostJob.campaign_target_id,
            PostJob.channel_id,
            PostJob.status,
        )
        .execution_options(synchronize_session=False)
    )
    rows = abandoned.all()
    for row in rows:
        ids = {"post_job_id": row.id, "target_id": row.campaign_target_id}
        action = _RESCUED[row.status]
        await audit.record(session, actor=SYSTEM, action=action, role="system", **ids)
        if row.status is PostJobStatus.FAILED:
            await posting.notify_failed(session, row.campaign_target_id, "parked")
    return len(rows)
