"""Let the admins decide about a channel's posts sooner than planned."""

from datetime import timedelta

from sqlalchemy import Integer, func, literal, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.campaigns import CampaignTarget
from db.models.posting import PostJob


async def bring_nearer(session: AsyncSession, *, channel_id: int, within: timedelta) -> None:
    """Plan when the admins decide about a channel's posts with held escrows.

    The decision is due after `within`, or after half of the promised hours if that is sooner. An
    earlier planned time stays. Locks the post jobs, and skips those that another transaction has
    locked.
    """
    # Locked post jobs are skipped: a transaction that holds the lock of a post may wait for the
    # channel's lock, so a wait for the post here would be a deadlock.
    open_jobs = (
        select(PostJob.id, PostJob.campaign_target_id)
        .where(PostJob.channel_id == channel_id, ~PostJob.settled)
        .with_for_update(skip_locked=True)
        .cte("open_jobs")
    )
    half_of_the_hours = func.make_interval(
        0, 0, 0, 0, func.nullif(CampaignTarget.promised_hours, 0).cast(Integer)
    ) / text("2")
    # LEAST ignores null, so a post without promised hours has the whole time.
    grace = func.least(literal(within), half_of_the_hours)
    await session.execute(
        update(PostJob)
        .where(PostJob.id == open_jobs.c.id, CampaignTarget.id == open_jobs.c.campaign_target_id)
        .values(escalate_at=func.least(PostJob.escalate_at, func.clock() + grace))
        .execution_options(synchronize_session=False)
    )
