"""Correct the times of posts that were written before the database's clock was set back."""

from datetime import timedelta

from sqlalchemy import CTE, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.campaigns import CampaignTarget
from db.models.posting import PostJob, PostJobStatus

BATCH = 500
STEP = timedelta(minutes=1)
"""A job that was changed more than this time in the future was changed before a step back."""


async def end_delays(session: AsyncSession) -> int:
    """Send posts, and search for uncertain ones, without waiting for the time before a step back.

    A post with a publish time waits for this time. A search begins anew, because its times prove
    nothing. Returns the number of corrected jobs. Locks up to BATCH jobs of each kind, and skips
    those that another transaction has locked.
    """
    queued = _written_in_future(PostJobStatus.QUEUED)
    sent = await session.execute(
        update(PostJob)
        .where(PostJob.id == queued.c.id, CampaignTarget.id == PostJob.campaign_target_id)
        .values(
            # PostgreSQL's `greatest` ignores a null publish time.
            due_at=func.greatest(func.clock(), queries.publish_time()),
            updated_at=func.clock(),
        )
        .returning(PostJob.id)
        .execution_options(synchronize_session=False)
    )
    uncertain = _written_in_future(PostJobStatus.UNCERTAIN)
    searched = await session.execute(
        update(PostJob)
        .where(PostJob.id == uncertain.c.id)
        .values(next_check_at=func.clock(), first_absent_at=None, updated_at=func.clock())
        .returning(PostJob.id)
        .execution_options(synchronize_session=False)
    )
    return len(sent.all()) + len(searched.all())


def _written_in_future(status: PostJobStatus) -> CTE:
    return (
        select(PostJob.id)
        .where(PostJob.status == status, PostJob.updated_at > func.clock() + STEP)
        .order_by(PostJob.updated_at)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
        .cte(status.value)
    )
