"""Test the database queries that several services share."""

from datetime import timedelta

import pytest

from db import queries
from tests.conftest import Database

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
