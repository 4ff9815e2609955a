"""Provide data that a test may break."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from sandbox import embedded
from tests.conftest import Database, copied_database
from tests.embedded_fixture import driver_url
from tests.factories import breakage
from tests.factories import business as books


@pytest.fixture
async def business_database(server: embedded.Postgres, business: str) -> AsyncIterator[Database]:
    """Yield a copy of a database with all kinds of transfers."""
    async with copied_database(server, business) as database:
        yield database


@pytest.fixture(scope="session")
async def owners_engine(server: embedded.Postgres, business: str) -> AsyncIterator[AsyncEngine]:
    """Yield an engine with one connection, in the role of the tables' owner."""
    assert business
    url = driver_url(server.dsn(embedded.OWNER, books.TO_BREAK))
    engine = create_async_engine(url, pool_size=1, max_overflow=0)
    yield engine
    await engine.dispose()


@pytest.fixture
async def owner(owners_engine: AsyncEngine) -> AsyncIterator[AsyncSession]:
    """Yield a session in the role of the tables' owner, without triggers.

    All changes are rolled back.
    """
    async with owners_engine.connect() as connection:
        outer = await connection.begin()
        async with AsyncSession(
            connection, join_transaction_mode="create_savepoint", expire_on_commit=False
        ) as session:
            for name in breakage.GUARDED_TABLES:
                await session.execute(text(f"ALTER TABLE {name} DISABLE TRIGGER USER"))
            yield session
        await outer.rollback()
