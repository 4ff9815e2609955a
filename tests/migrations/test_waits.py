"""Test that no migration lets a reader or a writer wait, with the load of the benchmark."""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy import Engine, event

from sandbox import embedded
from tests.benchmarks import migrations as benchmark
from tests.embedded_fixture import clone_database, drop_database

SIZE = 2_000
NEWEST = 12
"""So many of the newest migrations meet the load. `make bench-migrations` applies all of them."""
HELD_SECONDS = 1.3
"""How long the transaction beside each migration lasts. Without a limit, others wait as long."""
GROWING = (
    *("outbox", "inbox", "post_jobs", "post_checks", "campaign_targets", "escrows", "wallets"),
    *("ledger_transfers", "ledger_entries", "user_audit_logs", "ledger_checkpoints"),
    *("deposits", "withdrawals", "received_payments", "users", "campaigns"),
)
"""The tables that have many rows, so that a scan of them takes long."""
_TABLE = rf"(ONLY )?(?P<table>{'|'.join(GROWING)})\b"
BLOCKING = (
    rf"CREATE (UNIQUE )?INDEX (?!CONCURRENTLY)\S+ ON {_TABLE}",
    rf"ALTER TABLE {_TABLE} ADD CONSTRAINT \S+ (CHECK|FOREIGN KEY)(?!.*NOT VALID)",
    rf"ALTER TABLE {_TABLE} ADD CONSTRAINT \S+ UNIQUE",
    rf"ALTER TABLE {_TABLE} ALTER COLUMN \S+ (TYPE|SET NOT NULL)",
)
"""Statements that read or write a whole table while they block others."""


@pytest.fixture
async def first_schema(server: embedded.Postgres) -> AsyncIterator[str]:
    """Yield the name of a database with the first schema, without rows."""
    name = f"waits_{uuid4().hex}"
    await clone_database(server, "template0", name)
    await benchmark.migrate(server.dsn(embedded.OWNER, name), benchmark.FIRST)
    yield name
    await drop_database(server, name)


@contextmanager
def recorded() -> Iterator[list[str]]:
    """Record the statements of all migrations that run in the `with` block."""
    statements: list[str] = []

    def record(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        statements.append(" ".join(statement.split()))

    event.listen(Engine, "before_cursor_execute", record)
    try:
        yield statements
    finally:
        event.remove(Engine, "before_cursor_execute", record)


def find_blocking(statements: list[str]) -> list[str]:
    """Return the statements of one migration that block others, except on the tables it created."""
    created = {each.split()[2] for each in statements if each.startswith("CREATE TABLE ")}
    return [
        statement
        for statement in statements
        for pattern in BLOCKING
        if (found := re.match(pattern, statement)) and found["table"] not in created
    ]


async def test_nobody_waits_for_a_migration(server: embedded.Postgres, first_schema: str) -> None:
    url, app_url = (server.dsn(role, first_schema) for role in (embedded.OWNER, embedded.APP))
    first = await benchmark.fill(
        server.dsn(embedded.SUPERUSER, first_schema), size=SIZE, pending=4_000
    )
    await benchmark.migrate(url, benchmark.revisions()[-NEWEST - 1])
    load = benchmark.Load(app_url, 0.03, first)
    waited: dict[str, float] = {}
    blocking: list[str] = []
    with recorded() as statements:
        async with load.running():
            async for revision, _ in benchmark.measure_each(
                url, app_url, load, HELD_SECONDS, newest=NEWEST
            ):
                waited[revision] = load.longest_lock_wait
                assert len(load.done) == 5, (revision, load.done)
                blocking += find_blocking(statements)
                statements.clear()
    assert list(waited) == benchmark.revisions()[-NEWEST:]
    assert max(waited.values()) <= benchmark.LONGEST_WAIT, waited
    assert blocking == []


async def test_an_interrupted_migration_continues(
    server: embedded.Postgres, first_schema: str
) -> None:
    """Let the second step of a migration fail, as after a crash, and run the migration again."""
    url = server.dsn(embedded.OWNER, first_schema)
    owner = await asyncpg.connect(url)
    await owner.execute("CREATE VIEW ix_inbox_lane AS SELECT 1")  # the index cannot get this name
    with pytest.raises(Exception, match="ix_inbox_lane"):
        await benchmark.migrate(url, "0002")
    note = "SELECT obj_description('alembic_version'::regclass, 'pg_class')"
    assert await owner.fetchval(note) == "0002: 1"
    await owner.execute("DROP VIEW ix_inbox_lane")
    await benchmark.migrate(url, "0002")
    assert await owner.fetchval(note) is None
    assert await owner.fetchval("SELECT version_num FROM alembic_version") == "0002"
    await owner.close()


async def test_an_index_that_is_invalid_is_created_anew(
    server: embedded.Postgres, first_schema: str
) -> None:
    url = server.dsn(embedded.OWNER, first_schema)
    superuser = await asyncpg.connect(server.dsn(embedded.SUPERUSER, first_schema))
    await superuser.execute("CREATE INDEX ix_inbox_lane ON inbox (id)")
    await superuser.execute(
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix_inbox_lane'::regclass"
    )
    await benchmark.migrate(url, "0002")
    definition = await superuser.fetchval("SELECT pg_get_indexdef('ix_inbox_lane'::regclass)")
    await superuser.close()
    assert "(lane, id)" in definition
