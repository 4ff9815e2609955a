"""Store how many transactions of a bot's list of Star payments have been read from Telegram."""

from datetime import datetime, timedelta

from sqlalchemy import func, or_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.intake import StarListPosition

REPEAT_INTERVAL = timedelta(minutes=1)
"""Older parts of a list are read again at most once in this time."""


async def get(session: AsyncSession, bot_id: int) -> StarListPosition:
    """Return the position of a bot's list, or the start of the list if no position is stored."""
    await session.execute(insert(StarListPosition).values(bot_id=bot_id).on_conflict_do_nothing())
    return await session.get_one(StarListPosition, bot_id, populate_existing=True)


async def advance(
    session: AsyncSession,
    *,
    bot_id: int,
    begin: int,
    end: int,
    newest: str | None,
    begins_at: datetime | None,
) -> bool:
    """Move a position from `begin` to `end`, if the position is still at `begin`.

    The caller has recorded the transactions before `end`. If the list must be read again, `end` is
    0. If another process has already moved the position, nothing changes. `newest` names the
    transaction before `end`. `begins_at` is the time of the list's oldest transaction.
    """
    moved = await session.execute(
        update(StarListPosition)
        .where(StarListPosition.bot_id == bot_id, StarListPosition.position == begin)
        .values(position=end, newest=newest, begins_at=begins_at)
        .returning(StarListPosition.bot_id)
    )
    return moved.one_or_none() is not None


async def record_read(session: AsyncSession, bot_id: int, *, read_at: datetime) -> None:
    """Record that the list was read to its end, and that the deposits were compared with the list.

    `read_at` is the start of the reading, by the database's clock.
    """
    await session.execute(
        update(StarListPosition).where(StarListPosition.bot_id == bot_id).values(read_at=read_at)
    )


async def begin_repeat(session: AsyncSession, bot_id: int) -> bool:
    """Record that older parts of a list are read again now.

    Returns False, and records nothing, if that began less than REPEAT_INTERVAL ago.
    """
    begun = await session.execute(
        update(StarListPosition)
        .where(
            StarListPosition.bot_id == bot_id,
            or_(
                StarListPosition.read_again_at.is_(None),
                StarListPosition.read_again_at <= func.clock() - REPEAT_INTERVAL,
            ),
        )
        .values(read_again_at=func.clock())
        .returning(StarListPosition.bot_id)
    )
    return begun.one_or_none() is not None
