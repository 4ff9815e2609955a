"""Let the admins decide about a channel's posts sooner than planned."""

from datetime import timedelta

from sqlalchemy import ColumnElement, Integer, case, func, insert, literal, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.campaigns import CampaignTarget, Channel
from db.models.posting import PostCheck, PostJob, PostJobStatus, Verdict

GRACE_PARTS = 10
"""A lock-out may last for the promised hours, divided by this number."""
SHORTEST_GRACE = timedelta(minutes=30)
"""A lock-out that is shorter than this is never decided by the admins."""


def grace(within: timedelta) -> ColumnElement[timedelta]:
    """Build the SQL expression for the time until the admins decide about a lock-out.

    The time is a tenth of the promised hours (GRACE_PARTS), but at least SHORTEST_GRACE and at most
    `within`. A post without promised hours has the time `within`. The caller's query must select
    from `campaign_targets`.
    """
    hours = func.make_interval(0, 0, 0, 0, CampaignTarget.promised_hours.cast(Integer))
    part: ColumnElement[timedelta] = func.greatest(
        literal(SHORTEST_GRACE), hours / text(str(GRACE_PARTS))
    )
    return case(
        (CampaignTarget.promised_hours > 0, func.least(literal(within), part)),
        else_=literal(within),
    )


async def bring_nearer(session: AsyncSession, *, channel_id: int, within: timedelta) -> bool:
    """Plan when the admins decide about a channel's posts with held escrows.

    The decision is due after `grace`. An earlier planned time stays. Returns whether the channel
    has such a post. Locks the post jobs, and skips those that another transaction has locked.
    """
    # Locked post jobs are skipped: a transaction that holds the lock of a post may wait for the
    # channel's lock, so a wait for the post here would be a deadlock.
    open_jobs = (
        select(PostJob.id, PostJob.campaign_target_id)
        .where(PostJob.channel_id == channel_id, ~PostJob.settled)
        .with_for_update(skip_locked=True)
        .cte("open_jobs")
    )
    planned = await session.execute(
        update(PostJob)
        .where(PostJob.id == open_jobs.c.id, CampaignTarget.id == open_jobs.c.campaign_target_id)
        .values(escalate_at=func.least(PostJob.escalate_at, func.clock() + grace(within)))
        .returning(PostJob.id)
        .execution_options(synchronize_session=False)
    )
    return planned.first() is not None


async def record_missed_checks(session: AsyncSession, *, channel: Channel) -> None:
    """Record the checks of a channel that are still due after a loss of rights as "unknown".

    The caller must have locked the channel, in which the bot has its rights again.
    """
    missed = select(
        PostJob.id,
        literal(Verdict.UNKNOWN.value),
        literal("the bot had lost its rights when this check was due"),
    ).where(
        PostJob.channel_id == channel.id,
        PostJob.status == PostJobStatus.SUCCESS,
        ~PostJob.settled,
        PostJob.next_check_at <= func.clock(),
    )
    await session.execute(
        insert(PostCheck).from_select(["post_job_id", "verdict", "evidence"], missed)
    )
