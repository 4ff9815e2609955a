"""Test that the scheduler ends database sessions with long transactions."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from migrations import functions
from sandbox import embedded, logins
from scheduler import watchdogs
from services.platform import hanging_sessions
from tests.conftest import Database

REVISION = "0009"
NO_LIMITS = (
    "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0;"
    " SET transaction_timeout = 0; SET lock_timeout = 0"
)


@pytest.fixture(params=logins.LOGINS)
async def hung(
    server: embedded.Postgres, database: Database, request: pytest.FixtureRequest
) -> AsyncIterator[asyncpg.Connection]:
    """Yield a session with an open transaction, once for each database role of the product."""
    name = database.url.partition("@/")[2].partition("?")[0]
    connection = await asyncpg.connect(server.dsn(request.param, name))
    await connection.execute(NO_LIMITS)
    await connection.execute("BEGIN")
    await connection.fetchval("SELECT pg_advisory_xact_lock(7004)")
    yield connection
    connection.terminate()


async def _let_them_be_short(database: Database) -> None:
    """Lower the limit of `end_hanging_sessions` from 90 seconds to 1 ms."""
    text = functions.text("end_hanging_sessions", REVISION)
    assert text.count("interval '90 seconds'") == 1
    await database.as_owner(text.replace("interval '90 seconds'", "interval '1 millisecond'"))


async def test_a_transaction_that_outlasts_the_limit_is_ended(
    database: Database, hung: asyncpg.Connection
) -> None:
    async with database.sessions.begin() as session:
        assert await hanging_sessions.end(session) == 0  # it is not too old yet
    assert not hung.is_closed()
    await _let_them_be_short(database)
    await watchdogs.end_hanging_sessions(database.sessions)
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
        await hung.fetchval("SELECT 1")


async def test_idle_sessions_and_other_roles_are_not_ended(database: Database) -> None:
    await _let_them_be_short(database)
    idle, owner = [await asyncpg.connect(url) for url in (database.url, database.owner_url)]
    await owner.execute("BEGIN")
    async with database.sessions.begin() as session:
        assert await hanging_sessions.end(session) == 0
    for connection in (idle, owner):
        assert await connection.fetchval("SELECT 1") == 1
        await connection.close()
