"""Provide the marketplace of the scheduler's tests, and sessions that hang."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from sandbox import embedded
from tests.conftest import Database
from tests.factories import open_transactions
from tests.scheduler.conftest import scene

__all__ = ["scene"]


@pytest.fixture
async def hung(database: Database) -> AsyncIterator[asyncpg.Connection]:
    """Yield a session of the application with an open transaction and without time limits."""
    async with open_transactions.opened(database.url, has_limits=False) as connection:
        yield connection


@pytest.fixture
async def superuser(
    server: embedded.Postgres, database: Database
) -> AsyncIterator[asyncpg.Connection]:
    """Yield a superuser's session with an open transaction. A stop cannot end this session."""
    url = open_transactions.superuser_url(server, database)
    async with open_transactions.opened(url) as connection:
        yield connection
