"""Test that the id of an update, command or tick is in every row that it writes."""

import structlog
from sqlalchemy import text

from db import correlation
from tests.conftest import Database

WRITE = text("INSERT INTO outbox (kind, payload) VALUES ('x', '{}') RETURNING correlation_id")


async def _write(database: Database) -> object:
    async with database.sessions.begin() as session:
        return await session.scalar(WRITE)


async def test_a_row_has_the_id_of_its_transaction(database: Database) -> None:
    assert await _write(database) is None
    with correlation.correlated("tick-1"):
        assert await _write(database) == "tick-1"
        with correlation.correlated("piece-2", origin="tick-1"):
            assert await _write(database) == "piece-2"
            assert structlog.contextvars.get_contextvars() == {
                "correlation_id": "piece-2",
                "origin_id": "tick-1",
            }
        assert await _write(database) == "tick-1"
    assert await _write(database) is None, "the next transaction of the connection has no id"


async def test_an_id_cannot_be_a_statement(database: Database) -> None:
    for words in ("x'; DROP TABLE outbox; --", "", "x" * 101, "два"):
        with correlation.correlated(words):
            assert await _write(database) is None
    assert correlation.is_id(correlation.new_id("live checks"))
