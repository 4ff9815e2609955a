"""Provide a connection of the tables' owner."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from tests.conftest import Database


@pytest.fixture
async def owner(database: Database) -> AsyncIterator[asyncpg.Connection]:
    """Yield a connection in the role of the tables' owner."""
    connection = await asyncpg.connect(database.owner_url)
    yield connection
    await connection.close()
