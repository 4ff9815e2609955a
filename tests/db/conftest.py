"""Provide connections of the tables' owner and of the bot's login."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from sandbox import embedded, logins
from tests.conftest import Database


@pytest.fixture
async def owner(database: Database) -> AsyncIterator[asyncpg.Connection]:
    """Yield a connection in the role of the tables' owner."""
    connection = await asyncpg.connect(database.owner_url)
    yield connection
    await connection.close()


@pytest.fixture
async def bot(server: embedded.Postgres, database: Database) -> AsyncIterator[asyncpg.Connection]:
    """Yield a connection of the bot's login."""
    name = database.url.partition("@/")[2].partition("?")[0]
    connection = await asyncpg.connect(server.dsn(logins.BOT, name))
    yield connection
    await connection.close()
