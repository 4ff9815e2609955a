"""What the queries that several services share return."""

from datetime import timedelta

import pytest

from db import queries
from tests.conftest import Database

HOUR = timedelta(hours=1)


def test_what_is_always_there_is_given_back_or_missed_aloud() -> None:
    assert queries.required(0) == 0
    with pytest.raises(LookupError):
        queries.required(None)


async def test_the_clock_is_not_shifted_unless_somebody_shifts_it(database: Database) -> None:
    async with database.sessions.begin() as session:
        assert await queries.clock_shift(session) == timedelta(0)
    await database.forward(HOUR)
    async with database.sessions.begin() as session:
        assert await queries.clock_shift(session) == HOUR
