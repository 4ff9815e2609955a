"""Find out for how long nobody checked a published post within its promised hours."""

import itertools
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.posting import PostCheck, PostJob, Verdict

PART = 8
"""A stretch without a check is long from this part of the promised hours on (an eighth)."""
SHORTEST = timedelta(minutes=90)
"""A shorter stretch is long only if no check was made within the promised hours."""


async def longest(session: AsyncSession, *, target_id: int, ends_at: datetime | None) -> timedelta:
    """Return the longest time within a post's promised hours without a check that had a result.

    `ends_at` is the end of the promised hours, or None if they have not started. The result is 0 if
    no stretch was longer than the plan of the checks allows.
    """
    job = await session.scalar(select(PostJob).where(PostJob.campaign_target_id == target_id))
    if job is None or job.sent_at is None or ends_at is None:
        return timedelta()
    checked = await session.scalars(
        select(PostCheck.checked_at)
        .where(
            PostCheck.post_job_id == job.id,
            PostCheck.compared,
            PostCheck.verdict != Verdict.UNKNOWN,
            PostCheck.checked_at.between(job.sent_at, ends_at),
        )
        .order_by(PostCheck.checked_at)
    )
    moments = [job.sent_at, *checked, ends_at]
    stretch = max(later - earlier for earlier, later in itertools.pairwise(moments))
    promised = ends_at - job.sent_at
    is_long = stretch >= min(max(SHORTEST, promised / PART), promised)
    return stretch if is_long else timedelta()
