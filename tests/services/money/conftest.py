"""A session that may break the books: it is the tables' owner, and is rolled back."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from db.session import driver_url
from sandbox import embedded
from tests.factories import business as books
from tests.factories import tampering


@pytest.fixture(scope="session")
async def owners_engine(server: embedded.Postgres, business: str) -> AsyncIterator[AsyncEngine]:
    """Engine of the tables' owner with one connection, for all tests that roll back."""
    assert business
    url = driver_url(server.dsn(embedded.OWNER, books.TO_BREAK))
    engine = create_async_engine(url, pool_size=1, max_overflow=0)
    yield engine
    await engine.dispose()


@pytest.fixture
async def owner(owners_engine: AsyncEngine) -> AsyncIterator[AsyncSession]:
    """Session of the tables' owner, with money of every kind and without triggers."""
    async with owners_engine.connect() as connection:
        outer = await connection.begin()
        async with AsyncSession(
            connection, join_transaction_mode="create_savepoint", expire_on_commit=False
        ) as session:
            for name in tampering.GUARDED:
                await session.execute(text(f"ALTER TABLE {name} DISABLE TRIGGER USER"))
            yield session
        await outer.rollback()
