"""Books that tests may break: business done once, copied or rolled back each time."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from db.session import create_engine, create_sessions, driver_url
from sandbox import embedded
from tests.embedded_fixture import clone_database, drop_database
from tests.services import tampering


@pytest.fixture(scope="session")
def business(server: embedded.Postgres, running: str) -> str:
    """Name of a third template: money of every kind has moved."""
    asyncio.run(_do_business(server, running))
    return tampering.BUSINESS


async def _do_business(server: embedded.Postgres, running: str) -> None:
    await drop_database(server, tampering.BUSINESS)
    await clone_database(server, running, tampering.BUSINESS)
    engine = create_engine(server.dsn(embedded.APP, tampering.BUSINESS))
    sessions = create_sessions(engine)
    for act in (tampering.some_business, tampering.cross_the_border):
        async with sessions.begin() as session:
            await act(session)
    await engine.dispose()
    await drop_database(server, tampering.TO_BREAK)
    await clone_database(server, tampering.BUSINESS, tampering.TO_BREAK)


@pytest.fixture(scope="session")
async def owners_engine(server: embedded.Postgres, business: str) -> AsyncIterator[AsyncEngine]:
    """One connection of the tables' owner for all tests that break them and roll back."""
    assert business
    url = driver_url(server.dsn(embedded.OWNER, tampering.TO_BREAK))
    engine = create_async_engine(url, pool_size=1, max_overflow=0)
    yield engine
    await engine.dispose()


@pytest.fixture
async def owner(owners_engine: AsyncEngine) -> AsyncIterator[AsyncSession]:
    """A session of the tables' owner, with business and without guards; it is rolled back."""
    async with owners_engine.connect() as connection:
        outer = await connection.begin()
        async with AsyncSession(
            connection, join_transaction_mode="create_savepoint", expire_on_commit=False
        ) as session:
            for name in tampering.GUARDED:
                await session.execute(text(f"ALTER TABLE {name} DISABLE TRIGGER USER"))
            yield session
        await outer.rollback()
