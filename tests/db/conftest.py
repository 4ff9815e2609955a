"""Provide a connection of the tables' owner for the tests of the database's guards (checks)."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from tests.conftest import Database


@pytest.fixture
async def owner(database: Database) -> AsyncIterator[asyncpg.Connection]:
    """Yield a connection in the role of the tables' owner.

    A commit on this connection changes the database of the test.
    """
    connection = await asyncpg.connect(database.owner_url)
    yield connection
    await connection.close()
