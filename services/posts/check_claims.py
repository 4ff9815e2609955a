"""Renew and release the claims of checks of published posts.

`verification.claim_due` makes a claim: the right of one process to check a post.
"""

from dataclasses import replace

from sqlalchemy import func, update
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.posting import PostJob
from services.posts import verification


async def renew_claim(
    session: AsyncSession, post: verification.PostCheckTask
) -> verification.PostCheckTask | None:
    """Claim a post again right before its check, because the check may have waited for long.

    Returns None if another process has claimed the post since. Locks the job.
    """
    claimed_at = await session.scalar(
        update(PostJob)
        .where(PostJob.id == post.job_id, PostJob.check_began_at == post.claimed_at)
        .values(
            check_began_at=func.clock(), next_check_at=func.clock() + verification.RECHECK_INTERVAL
        )
        .returning(PostJob.check_began_at)
        .execution_options(synchronize_session=False)
    )
    return None if claimed_at is None else replace(post, claimed_at=claimed_at)


async def release_claim(session: AsyncSession, post: verification.PostCheckTask) -> None:
    """Record that a claimed check was not made, and that the post was not changed."""
    await session.execute(
        update(PostJob)
        .where(PostJob.id == post.job_id, PostJob.check_began_at == post.claimed_at)
        .values(check_began_at=None)
    )
