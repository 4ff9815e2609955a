"""Test that a move of the database's clock waits while a transaction locks a placement."""

import asyncio
from datetime import timedelta

from sqlalchemy import text

from db import queries
from sandbox import clock
from tests.conftest import Database
from tests.factories import people


async def test_time_does_not_move_inside_a_transaction_that_has_locked_a_placement(
    database: Database,
) -> None:
    await database.as_owner("UPDATE clock_shift SET allowed = true")
    async with database.sessions.begin() as session:
        deal = await people.deal(session)
        target = await people.another(session, deal, decide=False)
    async with database.sessions.begin() as session:
        await session.execute(
            text("SELECT FROM campaign_targets WHERE id = :id FOR UPDATE"), {"id": target.id}
        )
        moved = asyncio.create_task(clock.move_forward(database.owner_url, 3_600))
        await asyncio.sleep(0.3)
        assert await queries.clock_shift(session) == timedelta()
        assert not moved.done()
    assert await moved == 3_600
    async with database.sessions.begin() as session:
        assert await queries.clock_shift(session) == timedelta(hours=1)
