"""Test that a database that tests use one after the other is the same for each of them."""

from datetime import timedelta

import asyncpg
import pytest
from sqlalchemy import text

from tests.conftest import Database, checked_database
from tests.factories import open_transactions, people
from tests.kept_databases import KeptDatabases

NAME = "SELECT current_database()"
CONTENT = """
    SELECT jsonb_build_array((SELECT jsonb_agg(s ORDER BY key) FROM kill_switches s),
        (SELECT jsonb_agg(w ORDER BY id) FROM wallets w), (SELECT jsonb_agg(c) FROM clock_shift c),
        (SELECT jsonb_agg(q ORDER BY sequencename) FROM pg_sequences q),
        (SELECT count(*) FROM users))
"""
CHANGES = {
    "a function": "CREATE FUNCTION later() RETURNS int LANGUAGE sql RETURN 1",
    "a trigger": "ALTER TABLE users DISABLE TRIGGER USER",
    "a right": "GRANT DELETE ON users TO adtech_app",
    "a column": "ALTER TABLE users ADD COLUMN later text",
    "statistics": "ANALYZE kill_switches",
}


async def value(database: Database, sql: str) -> object:
    async with database.sessions.begin() as session:
        return await session.scalar(text(sql))


async def test_rows_sequences_and_clock_are_set_back(
    kept_databases: KeptDatabases, running: str
) -> None:
    async with checked_database(kept_databases, running) as database:
        name, before = await value(database, NAME), await value(database, CONTENT)
        await database.forward(timedelta(hours=5))
        async with database.sessions.begin() as session:
            await people.person(session, balance=500)
        assert await value(database, CONTENT) != before
    async with checked_database(kept_databases, running) as database:
        assert await value(database, NAME) == name
        assert await value(database, CONTENT) == before


@pytest.mark.parametrize("change", CHANGES)
async def test_a_database_with_another_definition_is_not_used_again(
    kept_databases: KeptDatabases, running: str, change: str
) -> None:
    async with checked_database(kept_databases, running) as database:
        name = await value(database, NAME)
        await database.as_owner(CHANGES[change])
    async with checked_database(kept_databases, running) as database:
        assert await value(database, NAME) != name


async def test_a_database_with_a_setting_is_not_used_again(
    kept_databases: KeptDatabases, running: str
) -> None:
    async with checked_database(kept_databases, running) as database:
        name = await value(database, NAME)
        await database.as_owner(f"ALTER DATABASE {name} SET work_mem = '1MB'")
    async with checked_database(kept_databases, running) as database:
        assert await value(database, NAME) != name


async def test_a_database_with_an_open_session_is_not_used_again(
    kept_databases: KeptDatabases, running: str
) -> None:
    connection: asyncpg.Connection
    async with checked_database(kept_databases, running) as database:
        name = await value(database, NAME)
        opened = open_transactions.opened(database.owner_url)
        connection = await opened.__aenter__()
    async with checked_database(kept_databases, running) as database:
        assert await value(database, NAME) != name
    with pytest.raises(open_transactions.ENDED):
        await connection.execute("SELECT 1")
