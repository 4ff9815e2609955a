"""Define the fixtures of all tests: a PostgreSQL server, a database session, and databases.

At the end of a test, the changes of the session are undone. If a test has its own database, its
commits are real.
"""

import asyncio
import gc
import os
import ssl
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from uuid import uuid4

import alembic.command
import alembic.config
import asyncpg
import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

import bot  # noqa: F401 - it defers the build of aiogram's models, as in the product
from bot import env_file, outages
from bot.settings import Settings
from db import address
from db.models.operations import Switch
from db.session import Sessions, create_engine, create_sessions
from sandbox import clock, embedded
from services.platform import killswitches
from services.platform.actors import SYSTEM
from tests import scratch
from tests.embedded_fixture import (
    attached_postgres,
    clone_database,
    driver_url,
    drop_database,
    start_test_postgres,
    stop_test_postgres,
)
from tests.factories import audit_chain, books, limits
from tests.factories import business as business_rows
from tests.kept_databases import PREPARED, KeptDatabases

scratch.choose()
address.ignore_libpq_settings()
# A developer's own settings change no test.
os.environ[env_file.VARIABLE] = os.devnull
for name in [name for name in os.environ if name.lower() in Settings.model_fields]:
    del os.environ[name]
# On a busy machine, an example may be slow without being wrong. So there is no time limit.
settings.register_profile("any_speed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any_speed")
# Each sender and each bot would read the certificates of 140 authorities, which takes 40 ms.
# With the cache, a process reads them only one time. A run of mutants imports this file in a
# process that has the cache already.
if not hasattr(ssl.create_default_context, "__wrapped__"):
    ssl.create_default_context = cache(ssl.create_default_context)  # type: ignore[assignment]  # on purpose
ROOT = Path(__file__).parents[1]
RUNNING = "adtech_running"
AUDIT_CHAIN = "adtech_audit_chain"
ROLLED_BACK = "adtech_rolled_back"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Order the test files. Files that mostly wait alternate with files that use the CPU.

    The longest file comes first. A parallel run starts the files in this order. Therefore the CPU
    is not idle while some files wait. If the run is not parallel, the order is not changed.
    """
    if not config.pluginmanager.hasplugin("xdist"):
        return
    files: dict[Path, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.path, []).append(item)
    waiting, cpu_bound = deque[Path](), deque[Path]()
    for path, tests in files.items():
        if any(test.get_closest_marker("longest") for test in tests):
            cpu_bound.appendleft(path)
        else:
            mostly_waits = any(test.get_closest_marker("mostly_waits") for test in tests)
            (waiting if mostly_waits else cpu_bound).append(path)
    items.clear()
    while waiting or cpu_bound:
        for queue in (cpu_bound, waiting):
            if queue:
                items += files[queue.popleft()]


def pytest_collection_finish() -> None:
    """Collect garbage less often, and never among the modules and the collected tests.

    With the usual threshold, a sixth of the time of the tests is spent on collections.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


@dataclass(frozen=True)
class Database:
    """A database that belongs to one test; the commits of the test are real."""

    sessions: Sessions
    """The factory of sessions in the application's role."""
    url: str
    """The URL of the database for the application's role."""
    owner_url: str
    """The URL with which the owner of the tables connects to the database.

    With this role, tests move the clock, and break data on purpose.
    """

    async def forward(self, by: timedelta) -> None:
        """Move the database's `clock()` forward."""
        await self.as_owner("UPDATE clock_shift SET allowed = true WHERE NOT allowed")
        await clock.move_forward(self.owner_url, by.total_seconds())

    async def as_owner(self, sql: str, *arguments: object) -> None:
        """Run a statement in the role of the tables' owner."""
        connection = await asyncpg.connect(self.owner_url)
        try:
            await connection.execute(sql, *arguments)
        finally:
            await connection.close()


@asynccontextmanager
async def copied_database(server: embedded.Postgres, template: str) -> AsyncIterator[Database]:
    """Yield a copy of a template database for one test. At the end, delete the copy.

    A test can leave the copy in any state.
    """
    name = f"test_{uuid4().hex}"
    await clone_database(server, template, name)
    url = server.dsn(embedded.APP, name)
    engine = create_engine(url)
    try:
        yield Database(create_sessions(engine), url, server.dsn(embedded.OWNER, name))
    finally:
        await engine.dispose()
        await drop_database(server, name)


@pytest.fixture(autouse=True)
def no_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no test know the outages of another test."""
    monkeypatch.setattr(outages, "_outages", {})
    monkeypatch.setattr(outages, "_last_lines", {})


@pytest.fixture(autouse=True)
def lifted_limits(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the bot send at once. Only tests with the marker `keeps_limits` wait for limits."""
    if request.node.get_closest_marker("keeps_limits") is None:
        limits.lift(monkeypatch)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[embedded.Postgres]:
    """Run a PostgreSQL server for this process only, with the migrated database `adtech`.

    Other databases are copies of `adtech`. If ADTECH_TEST_SERVER names a server, that server is
    used instead. Runs of mutants (copies of the code that lack one guard) set this variable.
    """
    if "ADTECH_TEST_SERVER" in os.environ:
        yield attached_postgres(os.environ["ADTECH_TEST_SERVER"])
        return
    running = start_test_postgres(tmp_path_factory.mktemp("postgres"))
    try:
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("MIGRATION_DATABASE_URL", running.dsn(embedded.OWNER))
            config = alembic.config.Config()
            config.set_main_option("script_location", str(ROOT / "migrations").replace("%", "%%"))
            alembic.command.upgrade(config, "head")
        yield running
    finally:
        stop_test_postgres(running)


@pytest.fixture(scope="session")
def running(server: embedded.Postgres) -> str:
    """Return the name of a template database in which all kill switches are running.

    A kill switch allows (running) or forbids (stopped) one kind of action.
    """
    asyncio.run(_run_everything(server))
    return RUNNING


async def _run_everything(server: embedded.Postgres) -> None:
    await drop_database(server, RUNNING)
    await clone_database(server, embedded.DATABASE, RUNNING)
    # The owner's role needs no operator, so the template contains no person.
    engine = create_engine(server.dsn(embedded.OWNER, RUNNING))
    async with create_sessions(engine).begin() as session:
        for key in Switch:
            await killswitches.set(session, actor=SYSTEM, key=key, enabled=True, reason="test")
    await engine.dispose()


@pytest.fixture(scope="session")
def business(server: embedded.Postgres, running: str) -> str:
    """Return the name of a template database that contains transfers of every kind."""
    asyncio.run(_do_business(server, running))
    return business_rows.BUSINESS


async def _do_business(server: embedded.Postgres, running: str) -> None:
    await drop_database(server, business_rows.BUSINESS)
    await clone_database(server, running, business_rows.BUSINESS)
    engine = create_engine(server.dsn(embedded.APP, business_rows.BUSINESS))
    sessions = create_sessions(engine)
    for act in (business_rows.create_placements, business_rows.move_external_money):
        async with sessions.begin() as session:
            await act(session)
    await engine.dispose()
    await drop_database(server, business_rows.TO_BREAK)
    await clone_database(server, business_rows.BUSINESS, business_rows.TO_BREAK)


@pytest.fixture(scope="session")
def audit_chain_template(server: embedded.Postgres, running: str) -> str:
    """Return the name of a template database that has an audit chain with three links.

    The audit chain is a list of checksums of the ledger. It shows later changes of the ledger.
    """
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
    """Yield a new database that has an audit chain with three links. A test can break the chain."""
    async with copied_database(server, audit_chain_template) as database:
        yield database


@pytest.fixture(scope="session")
async def kept_databases(server: embedded.Postgres) -> AsyncIterator[KeptDatabases]:
    """Yield the databases that tests use one after the other."""
    databases = KeptDatabases(server)
    yield databases
    await databases.close()


@asynccontextmanager
async def checked_database(kept_databases: KeptDatabases, template: str) -> AsyncIterator[Database]:
    """Yield a database for one test that equals a template. At the end, assert all invariants.

    An invariant is a rule that all rows must keep at any time.
    """
    server = kept_databases.server
    name, engine = await kept_databases.take(template)
    try:
        database = Database(
            create_sessions(engine),
            server.dsn(embedded.APP, name),
            server.dsn(embedded.OWNER, name),
        )
        yield database
        async with database.sessions.begin() as session:
            await books.assert_invariants(session)
    finally:
        await kept_databases.give_back(template)


@pytest.fixture
async def database(running: str, kept_databases: KeptDatabases) -> AsyncIterator[Database]:
    """Yield a database that equals the migrated one. At the end, assert all invariants."""
    async with checked_database(kept_databases, running) as database:
        yield database


@pytest.fixture(scope="session")
def rolled_back_url(server: embedded.Postgres, running: str) -> str:
    """Return the URL of a database in which no transaction is ever committed."""
    asyncio.run(drop_database(server, ROLLED_BACK))
    asyncio.run(clone_database(server, running, ROLLED_BACK))
    return server.dsn(embedded.APP, ROLLED_BACK)


@pytest.fixture(scope="session")
async def kept_engine(rolled_back_url: str) -> AsyncIterator[AsyncEngine]:
    """Yield an engine with one connection, for all tests whose changes are undone.

    The connection keeps its query plans. Therefore a test can use the plans of an earlier test.
    """
    prepared = {"prepared_statement_cache_size": PREPARED, "statement_cache_size": PREPARED}
    engine = create_async_engine(
        driver_url(rolled_back_url), pool_size=1, max_overflow=0, connect_args=prepared
    )
    yield engine
    await engine.dispose()


@pytest.fixture
async def session(kept_engine: AsyncEngine) -> AsyncIterator[AsyncSession]:
    """Yield a session in the application's role. At the end, undo its changes.

    Before that, the fixture checks all invariants (rules that all rows must keep). Some checks of
    the database run only at a commit. A test with this session never commits to the database.
    Therefore this fixture and `people.commit` run these checks.
    """
    async with kept_engine.connect() as connection:
        outer = await connection.begin()
        async with AsyncSession(
            connection, join_transaction_mode="create_savepoint", expire_on_commit=False
        ) as session:
            yield session
            await session.commit()
            await session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
            await books.assert_invariants(session)
        await outer.rollback()
