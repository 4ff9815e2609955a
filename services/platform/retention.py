"""Delete old rows that nobody needs any more, in batches.

The database functions `purge_NAME` decide what is old enough and not needed. Their comments, and
docs/retention.md, say why a deleted row cannot come back.
"""

from datetime import timedelta

from sqlalchemy import Integer, func, select
from sqlalchemy.ext.asyncio import AsyncSession

SHORTEST_RETENTION = timedelta(days=30)
"""The shortest retention (how long rows are kept) that the database accepts."""
BATCH = 1_000
"""How many rows, or post jobs, one call reads at most."""


async def purge_outbox(session: AsyncSession, keep: timedelta) -> int:
    """Delete up to BATCH messages that were delivered or given up longer ago than `keep`.

    Returns how many were deleted: fewer than BATCH if no more are old enough.
    """
    deleted = await session.execute(select(func.purge_outbox(keep, BATCH, type_=Integer)))
    return deleted.scalar_one()


async def purge_checkpoints(session: AsyncSession, keep: timedelta) -> int:
    """Delete up to BATCH checks of the ledger that found nothing and are older than `keep`.

    Returns how many were deleted: fewer than BATCH if no more are old enough.
    """
    deleted = await session.execute(select(func.purge_checkpoints(keep, BATCH, type_=Integer)))
    return deleted.scalar_one()


async def purge_post_checks(
    session: AsyncSession, keep: timedelta, after_job: int
) -> tuple[int, int | None]:
    """Delete repeated checks of the BATCH posts whose job ids follow `after_job`.

    Only posts whose escrow was settled longer ago than `keep` lose checks. Returns how many checks
    were deleted, and the last job that was read, or None if there is no further job.
    """
    purged = func.purge_post_checks(keep, after_job, BATCH).table_valued("deleted", "last_job")
    deleted, last_job = (await session.execute(select(purged))).one()
    return deleted, last_job


async def purge_clicks(session: AsyncSession) -> int:
    """Delete the salts of the days that are over, and up to BATCH hashes of people of these days.

    Returns how many hashes were deleted: fewer than BATCH if no more are old enough.
    """
    deleted = await session.execute(select(func.purge_clicks(BATCH, type_=Integer)))
    return deleted.scalar_one()


async def purge_heartbeats(session: AsyncSession) -> None:
    """Delete the heartbeats of processes that have been silent for a day."""
    await session.execute(select(func.purge_heartbeats()))
