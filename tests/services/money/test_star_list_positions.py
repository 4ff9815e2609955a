"""Test the stored position in a bot's list of Stars transactions."""

from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from services.money import star_list_positions

BOT = 7
AT = datetime(2026, 5, 1, tzinfo=UTC)


async def _advance(session: AsyncSession, begin: int, end: int, bot_id: int = BOT) -> bool:
    newest = f"in:{end}" if end else None
    return await star_list_positions.advance(
        session, bot_id=bot_id, begin=begin, end=end, newest=newest, begins_at=AT
    )


async def test_a_position_begins_at_the_beginning_and_moves_only_once(
    session: AsyncSession,
) -> None:
    stored = await star_list_positions.get(session, BOT)
    assert (stored.position, stored.newest, stored.begins_at, stored.read_at) == (0, *[None] * 3)
    assert await _advance(session, 0, 5)
    assert not await _advance(session, 0, 9)
    assert not await _advance(session, 0, 9, bot_id=8)
    stored = await star_list_positions.get(session, BOT)
    assert (stored.position, stored.newest, stored.begins_at) == (5, "in:5", AT)
    assert stored.read_at is None
    await star_list_positions.record_read(session, BOT, read_at=await queries.now(session))
    stored = await star_list_positions.get(session, BOT)
    assert stored.read_at is not None


async def test_a_position_moves_back_to_the_beginning(session: AsyncSession) -> None:
    await star_list_positions.get(session, BOT)
    assert await _advance(session, 0, 5)
    assert await _advance(session, 5, 0)
    stored = await star_list_positions.get(session, BOT)
    assert (stored.position, stored.newest, stored.begins_at) == (0, None, AT)
