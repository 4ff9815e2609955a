"""Provide data that a test is allowed to break.

The data are in a copy of a database, or in a session that is rolled back.
"""

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
    """Yield a copy of a database that has all kinds of transfers.

    A test is allowed to leave this copy broken.
    """
    async with copied_database(server, business) as database:
        yield database


@pytest.fixture(scope="session")
async def owners_engine(server: embedded.Postgres, business: str) -> AsyncIterator[AsyncEngine]:
    """Yield a database engine with one connection, in the role of the tables' owner.

    All tests that roll back their changes use this engine.
    """
    assert business
    url = driver_url(server.dsn(embedded.OWNER, books.TO_BREAK))
    engine = create_async_engine(url, pool_size=1, max_overflow=0)
    yield engine
    await engine.dispose()


@pytest.fixture
async def owner(owners_engine: AsyncEngine) -> AsyncIterator[AsyncSession]:
    """Yield a session in the role of the tables' owner. The triggers of the tables are disabled.

    The database has all kinds of transfers. All changes are rolled back at the end.
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
