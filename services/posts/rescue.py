"""End the claims of dead workers, and cancel posts that must not be sent."""

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
"""A job fails after this many claims whose worker died."""
BATCH = 100

_RESCUED = {
    PostJobStatus.UNCERTAIN: "post_uncertain",
    PostJobStatus.QUEUED: "post_rescued",
    PostJobStatus.FAILED: "post_failed",
}


async def cancel_unwanted(session: AsyncSession) -> int:
    """Cancel queued posts of blocked advertisers and of cancelled campaigns. Return how many.

    The scheduler then refunds the escrows. Locks up to BATCH jobs, and skips those that another
    transaction has locked.
    """
    unwanted = (
        select(PostJob.id)
        .join(CampaignTarget, CampaignTarget.id == PostJob.campaign_target_id)
        .join(Campaign, Campaign.id == CampaignTarget.campaign_id)
        .join(User, User.id == Campaign.advertiser_id)
        .where(
            PostJob.status == PostJobStatus.QUEUED,
            PostJob.search_above.is_(None),
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
    """End the claims whose lease has ended without a recorded outcome. Return how many.

    A post whose send had begun becomes uncertain. Other posts are queued again, or fail after
    MAX_ABANDONED such claims. If `lease` is given, claims with more than 2 * `lease` left end too:
    the database's clock was set back. Locks up to BATCH jobs, and skips those that another
    transaction has locked.
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
