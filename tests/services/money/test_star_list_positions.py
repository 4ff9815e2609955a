"""Test the stored position in a bot's list of Stars transactions."""

from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from services.money import star_list_positions

BOT = 7
AT = datetime(2026, 5, 1, tzinfo=UTC)


async def test_a_position_begins_at_the_beginning_and_moves_only_once(
    session: AsyncSession,
) -> None:
    stored = await star_list_positions.get(session, BOT)
    assert (stored.position, stored.begins_at, stored.read_at) == (0, None, None)
    assert await star_list_positions.advance(session, bot_id=BOT, begin=0, end=5, begins_at=AT)
    assert not await star_list_positions.advance(session, bot_id=BOT, begin=0, end=9, begins_at=AT)
    assert not await star_list_positions.advance(session, bot_id=8, begin=0, end=9, begins_at=AT)
    stored = await star_list_positions.get(session, BOT)
    assert (stored.position, stored.begins_at, stored.read_at) == (5, AT, None)
    await star_list_positions.record_read(session, BOT, read_at=await queries.now(session))
    stored = await star_list_positions.get(session, BOT)
    assert stored.read_at is not None
