"""End the application's database sessions whose transactions do not end."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

_END = text("SELECT end_hanging_sessions()")


async def end(session: AsyncSession) -> int:
    """End sessions with a transaction older than 90 seconds, and return the number of sessions.

    Waits for no lock.
    """
    return int((await session.execute(_END)).scalar_one())
