"""PostgreSQL of the tests' own, a session that forgets, and databases that commit."""

import bot.light_models  # noqa: F401 - before anything of aiogram, and in each worker

# isort: split
import asyncio
import os
import ssl
from collections import deque
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import alembic.command
import alembic.config
import asyncpg
import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from db.session import Sessions, create_engine, create_sessions, driver_url
from sandbox import embedded
from services import invariants
from tests import scratch
from tests.embedded_fixture import (
    attached_postgres,
    clone_database,
    drop_database,
    start_test_postgres,
    stop_test_postgres,
)
from tests.factories import people

scratch.choose()
# How long a busy machine takes for an example says nothing about the example.
settings.register_profile("any_speed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any_speed")
# Each sender and each bot reads the certificates of 140 authorities, for 40 ms: once is enough.
ssl.create_default_context = cache(ssl.create_default_context)  # type: ignore[assignment]
ROOT = Path(__file__).parents[1]
RUNNING = "adtech_running"
ROLLED_BACK = "adtech_rolled_back"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with the longest file, then alternate files that mostly wait with files that work.

    A parallel run takes file by file in this order: waiting costs it nothing while others work,
    and nobody is left alone with the longest file at the end. Without one, the order is that in
    which they were asked for.
    """
    if not config.pluginmanager.hasplugin("xdist"):
        return
    files: dict[Path, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.path, []).append(item)
    waiting, working = deque[Path](), deque[Path]()
    for path, tests in files.items():
        if any(test.get_closest_marker("longest") for test in tests):
            working.appendleft(path)
        else:
            stormy = any(test.get_closest_marker("storm") for test in tests)
            (waiting if stormy else working).append(path)
    items.clear()
    while waiting or working:
        for queue in (working, waiting):
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


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[embedded.Postgres]:
    """A PostgreSQL of this process's own, with the migrated template `adtech`.

    Or the one that ADTECH_TEST_SERVER names: trials of mutants bring a template of their own.
    """
    if "ADTECH_TEST_SERVER" in os.environ:
        yield attached_postgres(os.environ["ADTECH_TEST_SERVER"])
        return
    running = start_test_postgres(tmp_path_factory.mktemp("postgres"))
    try:
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("MIGRATION_DATABASE_URL", running.dsn(embedded.OWNER))
            alembic.command.upgrade(alembic.config.Config(ROOT / "alembic.ini"), "head")
        yield running
    finally:
        stop_test_postgres(running)


@pytest.fixture(scope="session")
def running(server: embedded.Postgres) -> str:
    """Name of a second template, in which every switch runs: set once, not by every test."""
    asyncio.run(_run_everything(server))
    return RUNNING


async def _run_everything(server: embedded.Postgres) -> None:
    await drop_database(server, RUNNING)
    await clone_database(server, embedded.DATABASE, RUNNING)
    engine = create_engine(server.dsn(embedded.APP, RUNNING))
    async with create_sessions(engine).begin() as session:
        await people.run_switches(session)
    await engine.dispose()


@dataclass
class ReusedEngine:
    """One engine for the databases of many tests, one after the other.

    Statements that it has compiled once stay compiled: each test with an engine of its own would
    spend a tenth of a second on that.
    """

    engine: AsyncEngine
    database: str = embedded.DATABASE
    """Where new connections go."""


@pytest.fixture(scope="session")
def reused_engine(server: embedded.Postgres) -> ReusedEngine:
    """The application's engine: whoever uses it names a database, and disposes of it at the end."""
    reused = ReusedEngine(create_engine(server.dsn(embedded.APP)))

    def choose(_dialect: object, _record: object, _given: object, named: dict[str, Any]) -> None:
        named["database"] = reused.database

    event.listen(reused.engine.sync_engine, "do_connect", choose)
    return reused


@pytest.fixture
async def database(
    server: embedded.Postgres, running: str, reused_engine: ReusedEngine
) -> AsyncIterator[Database]:
    """A fresh copy of the migrated database; all invariants hold at the end."""
    name = reused_engine.database = f"test_{uuid4().hex}"
    await clone_database(server, running, name)
    url, engine = server.dsn(embedded.APP, name), reused_engine.engine
    try:
        database = Database(create_sessions(engine), url, server.dsn(embedded.OWNER, name))
        yield database
        async with database.sessions.begin() as session:
            assert await invariants.run(session) == []
    finally:
        await engine.dispose()
        await drop_database(server, name)


@pytest.fixture(scope="session")
def rolled_back_url(server: embedded.Postgres, running: str) -> str:
    """The address of a database in which nothing is ever committed."""
    asyncio.run(drop_database(server, ROLLED_BACK))
    asyncio.run(clone_database(server, running, ROLLED_BACK))
    return server.dsn(embedded.APP, ROLLED_BACK)


@pytest.fixture(scope="session")
async def kept_engine(rolled_back_url: str) -> AsyncIterator[AsyncEngine]:
    """One connection for all tests that roll back: what it has planned once stays planned."""
    engine = create_async_engine(driver_url(rolled_back_url), pool_size=1, max_overflow=0)
    yield engine
    await engine.dispose()


@pytest.fixture
async def session(kept_engine: AsyncEngine) -> AsyncIterator[AsyncSession]:
    """A session, as the application, whose commits are undone; all invariants hold at the end.

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
