"""PostgreSQL of the tests' own, a session that forgets, and databases that commit."""

import bot.light_models  # noqa: F401 - before anything of aiogram, and in each worker

# isort: split
import asyncio
import os
import subprocess
import sys
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from db.session import Sessions, create_engine, create_sessions, driver_url
from sandbox import embedded
from services.money import invariants
from tests import scratch
from tests.embedded_fixture import (
    attached_postgres,
    clone_database,
    drop_database,
    start_test_postgres,
    stop_test_postgres,
)
from tests.factories import audit_chain, people
from tests.factories import business as books

scratch.choose()
ROOT = Path(__file__).parents[1]
RUNNING = "adtech_running"
AUDIT_CHAIN = "adtech_audit_chain"
ROLLED_BACK = "adtech_rolled_back"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Hand out files whose tests mostly wait between files whose tests mostly work.

    A parallel run takes file by file in this order: waiting costs it nothing while others work.
    Without one, the order is that in which they were asked for.
    """
    if not config.pluginmanager.hasplugin("xdist"):
        return
    files: dict[Path, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.path, []).append(item)
    waiting, working = deque[Path](), deque[Path]()
    for path, tests in files.items():
        stormy = any(test.get_closest_marker("storm") for test in tests)
        (waiting if stormy else working).append(path)
    items.clear()
    while waiting or working:
        for queue in (waiting, working):
            if queue:
                items += files[queue.popleft()]


@dataclass(frozen=True)
class Database:
    """A database of one test's own, in which commits are commits."""

    sessions: Sessions
    """As the application."""
    url: str
    """As the application."""
    owner_url: str
    """As who migrates: for time, and for breaking things on purpose."""

    async def forward(self, by: timedelta) -> None:
        """Move `clock()` forward."""
        await self.as_owner("UPDATE clock_shift SET allowed = true, shift = shift + $1", by)

    async def as_owner(self, sql: str, *arguments: object) -> None:
        """Run a statement with the owner's rights."""
        connection = await asyncpg.connect(self.owner_url)
        try:
            await connection.execute(sql, *arguments)
        finally:
            await connection.close()


@asynccontextmanager
async def copied_database(server: embedded.Postgres, template: str) -> AsyncIterator[Database]:
    """Copy a template for one test; the copy is dropped at the end, even if it is broken."""
    name = f"test_{uuid4().hex}"
    await clone_database(server, template, name)
    url = server.dsn(embedded.APP, name)
    engine = create_engine(url)
    try:
        yield Database(create_sessions(engine), url, server.dsn(embedded.OWNER, name))
    finally:
        await engine.dispose()
        await drop_database(server, name)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[embedded.Postgres]:
    """Yield a PostgreSQL of this process's own, with the migrated template `adtech`.

    Or the one that ADTECH_TEST_SERVER names: trials of mutants bring a template of their own.
    """
    if "ADTECH_TEST_SERVER" in os.environ:
        yield attached_postgres(os.environ["ADTECH_TEST_SERVER"])
        return
    running = start_test_postgres(tmp_path_factory.mktemp("postgres"))
    try:
        subprocess.run(
            [sys.executable, "-m", "alembic", "upgrade", "head"],
            cwd=ROOT,
            env=os.environ | {"MIGRATION_DATABASE_URL": running.dsn(embedded.OWNER)},
            check=True,
        )
        yield running
    finally:
        stop_test_postgres(running)


@pytest.fixture(scope="session")
def running(server: embedded.Postgres) -> str:
    """Return the name of a second template, in which every switch runs."""
    asyncio.run(_run_everything(server))
    return RUNNING


async def _run_everything(server: embedded.Postgres) -> None:
    await drop_database(server, RUNNING)
    await clone_database(server, embedded.DATABASE, RUNNING)
    engine = create_engine(server.dsn(embedded.APP, RUNNING))
    async with create_sessions(engine).begin() as session:
        await people.run_switches(session)
    await engine.dispose()


@pytest.fixture(scope="session")
def business(server: embedded.Postgres, running: str) -> str:
    """Return the name of a third template, in which money of every kind has moved."""
    asyncio.run(_do_business(server, running))
    return books.BUSINESS


async def _do_business(server: embedded.Postgres, running: str) -> None:
    await drop_database(server, books.BUSINESS)
    await clone_database(server, running, books.BUSINESS)
    engine = create_engine(server.dsn(embedded.APP, books.BUSINESS))
    sessions = create_sessions(engine)
    for act in (books.create_placements, books.move_external_money):
        async with sessions.begin() as session:
            await act(session)
    await engine.dispose()
    await drop_database(server, books.TO_BREAK)
    await clone_database(server, books.BUSINESS, books.TO_BREAK)


@pytest.fixture(scope="session")
def audit_chain_template(server: embedded.Postgres, running: str) -> str:
    """Return the name of a fourth template, which has an audit chain of three links."""
    asyncio.run(_make_audit_chain(server, running))
    return AUDIT_CHAIN


async def _make_audit_chain(server: embedded.Postgres, running: str) -> None:
    await drop_database(server, AUDIT_CHAIN)
    await clone_database(server, running, AUDIT_CHAIN)
    engine = create_engine(server.dsn(embedded.APP, AUDIT_CHAIN))
    await audit_chain.fill(create_sessions(engine))
    await engine.dispose()


@pytest.fixture
async def chained_database(
    server: embedded.Postgres, audit_chain_template: str
) -> AsyncIterator[Database]:
    """Yield a fresh database with an audit chain of three links; a test may leave it broken."""
    async with copied_database(server, audit_chain_template) as database:
        yield database


@pytest.fixture
async def database(server: embedded.Postgres, running: str) -> AsyncIterator[Database]:
    """Yield a fresh copy of the migrated database; all invariants hold at the end."""
    async with copied_database(server, running) as database:
        yield database
        async with database.sessions.begin() as session:
            assert await invariants.run(session) == []


@pytest.fixture(scope="session")
def rolled_back_url(server: embedded.Postgres, running: str) -> str:
    """Return the address of a database in which nothing is ever committed."""
    asyncio.run(drop_database(server, ROLLED_BACK))
    asyncio.run(clone_database(server, running, ROLLED_BACK))
    return server.dsn(embedded.APP, ROLLED_BACK)


@pytest.fixture(scope="session")
async def kept_engine(rolled_back_url: str) -> AsyncIterator[AsyncEngine]:
    """Yield one connection for all tests that roll back, so that its query plans are kept."""
    engine = create_async_engine(driver_url(rolled_back_url), pool_size=1, max_overflow=0)
    yield engine
    await engine.dispose()


@pytest.fixture
async def session(kept_engine: AsyncEngine) -> AsyncIterator[AsyncSession]:
    """Yield a session of the application whose commits are undone; all invariants hold at the end.

    Deferred guards never fire in a transaction that rolls back: `people.commit` and the teardown
    make them.
    """
    async with kept_engine.connect() as connection:
        outer = await connection.begin()
        async with AsyncSession(
            connection, join_transaction_mode="create_savepoint", expire_on_commit=False
        ) as session:
            yield session
            await session.commit()
            await session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
            assert await invariants.run(session) == []
        await outer.rollback()
