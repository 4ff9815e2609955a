"""End database sessions of the application whose transactions do not end."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

_END = text("SELECT end_hanging_sessions()")


async def end(session: AsyncSession) -> int:
    """End the sessions whose transaction is older than 90 seconds. Return how many were ended.

    PostgreSQL's own time limits are not enough, because a session can set these limits to 0. This
    function waits for no lock.
    """
    return int((await session.execute(_END)).scalar_one())
