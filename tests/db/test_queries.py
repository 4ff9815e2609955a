"""Test the database queries that several services share."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from tests.conftest import Database
from tests.factories import people

HOUR = timedelta(hours=1)


def test_required_returns_the_value_or_raises() -> None:
    assert queries.required(0) == 0
    with pytest.raises(LookupError):
        queries.required(None)


async def test_the_clock_is_shifted_only_on_request(database: Database) -> None:
    async with database.sessions.begin() as session:
        assert await queries.clock_shift(session) == timedelta(0)
    await database.forward(HOUR)
    async with database.sessions.begin() as session:
        assert await queries.clock_shift(session) == HOUR


async def test_a_placement_without_a_post_job_does_not_stop_the_others(
    session: AsyncSession,
) -> None:
    await session.execute(text("SET LOCAL adtech.correlation_id = 'press-1'"))
    deal = await people.approved(session)
    found = await queries.origins(session, [deal.target.id + 1, deal.target.id])
    assert list(found.items()) == [(deal.target.id + 1, None), (deal.target.id, "press-1")]
