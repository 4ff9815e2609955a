"""A connection of the tables' owner, for the tests of the database's guards."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from tests.conftest import Database


@pytest.fixture
async def owner(database: Database) -> AsyncIterator[asyncpg.Connection]:
    """Yield a connection of the tables' owner that can commit."""
    connection = await asyncpg.connect(database.owner_url)
    yield connection
    await connection.close()
