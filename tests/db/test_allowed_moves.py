"""Test that the database allows exactly the status changes in `transitions.py`."""

from collections.abc import AsyncIterator, Awaitable, Mapping
from itertools import product
from typing import Any

import asyncpg
import pytest
from sqlalchemy import Enum

from db.models import (
    campaigns,
    complaints,
    deposit_returns,
    destinations,
    losses,
    money,
    operations,
    posting,
    removals,
    users,
)
from db.models.base import Base
from sandbox import embedded
from services.platform import transitions
from tests.conftest import ROLLED_BACK

MODULES = (
    *(campaigns, complaints, deposit_returns, destinations, losses, money),
    *(operations, posting, removals, users),
)
"""The modules that define tables."""
TABLES: dict[str, Mapping[tuple[Any, Any], object]] = {
    "campaigns": transitions.CAMPAIGN,
    "campaign_targets": transitions.TARGET,
    "escrows": transitions.ESCROW,
    "post_jobs": transitions.POST_JOB,
    "channels": transitions.CHANNEL,
    "deposits": transitions.DEPOSIT,
    "deposit_returns": transitions.DEPOSIT_RETURN,
    "withdrawals": transitions.WITHDRAWAL,
    "payout_destinations": transitions.DESTINATION,
    "removals": transitions.REMOVAL,
    "complaints": transitions.COMPLAINT,
    "corrections": transitions.CORRECTION,
    "outbox": transitions.OUTBOX,
    "staff_requests": transitions.STAFF_REQUEST,
}
COLUMNS = """
    SELECT attname, format_type(atttypid, atttypmod) AS type FROM pg_attribute
    WHERE attrelid = to_regclass($1) AND attnum > 0 AND attidentity = ''
"""
CONSTRAINTS = """
    SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname)
    FROM pg_constraint WHERE conrelid = to_regclass($1) AND contype IN ('c', 'f')
"""
every_table = pytest.mark.parametrize("table", TABLES)


@pytest.fixture
async def superuser(
    server: embedded.Postgres, rolled_back_url: str
) -> AsyncIterator[asyncpg.Connection]:
    """Yield a connection of the superuser in a transaction that is rolled back."""
    assert ROLLED_BACK in rolled_back_url
    connection = await asyncpg.connect(server.dsn(embedded.SUPERUSER, ROLLED_BACK))
    transaction = connection.transaction()
    await transaction.start()
    yield connection
    await transaction.rollback()
    await connection.close()


def _states(table: str) -> list[str]:
    kind = Base.metadata.tables[table].c.status.type
    assert isinstance(kind, Enum)
    return list(kind.enums)


def _initial(table: str) -> str:
    default: Any = Base.metadata.tables[table].c.status.server_default
    return str(default.arg)


def _moves(table: str) -> set[tuple[str, str]]:
    return {(str(a), str(b)) for a, b in TABLES[table]}


def test_every_table_with_a_status_has_allowed_moves() -> None:
    assert {name for name, table in Base.metadata.tables.items() if "status" in table.c} == set(
        TABLES
    )


@every_table
async def test_the_triggers_allow_the_moves_of_the_transition_tables(
    superuser: asyncpg.Connection, table: str
) -> None:
    found = {
        row["tgname"]: row
        for row in await superuser.fetch(
            "SELECT tgname, pg_get_triggerdef(oid, true) AS definition, tgargs, tgenabled"
            " FROM pg_trigger WHERE tgrelid = to_regclass($1)"
            " AND tgname IN ('allowed_move', 'initial_status')",
            table,
        )
    }
    assert {row["tgenabled"] for row in found.values()} == {b"O"}
    arguments = [each.decode() for each in found["allowed_move"]["tgargs"].split(b"\0")[:-1]]
    assert sorted(arguments) == sorted(f"{a}>{b}" for a, b in _moves(table))
    quoted = ", ".join(f"'{each}'" for each in arguments)
    assert found["allowed_move"]["definition"] == (
        f"CREATE TRIGGER allowed_move BEFORE UPDATE OF status ON {table} FOR EACH ROW"
        " WHEN (old.status::text IS DISTINCT FROM new.status::text)"
        f" EXECUTE FUNCTION require_allowed_move({quoted})"
    )
    assert found["initial_status"]["definition"] == (
        f"CREATE TRIGGER initial_status BEFORE INSERT ON {table} FOR EACH ROW"
        f" WHEN (new.status::text IS DISTINCT FROM '{_initial(table)}'::text)"
        " EXECUTE FUNCTION refuse_initial_status()"
    )


@every_table
async def test_the_application_cannot_make_another_move(
    superuser: asyncpg.Connection, table: str
) -> None:
    refused = set()
    for status, wanted in product(_states(table), repeat=2):
        if status == wanted:
            continue
        attempt = superuser.transaction()
        await attempt.start()
        for drop in await superuser.fetch(CONSTRAINTS, table):
            await superuser.execute(drop[0])
        await superuser.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        await _insert(superuser, table, status)
        await superuser.execute(f"ALTER TABLE {table} ENABLE TRIGGER allowed_move")
        # The application may change some tables only by functions. The trigger has to answer.
        await superuser.execute(f"GRANT UPDATE ON {table} TO {embedded.APP}")
        await superuser.execute(f"SET LOCAL ROLE {embedded.APP}")
        state = await _refusal(superuser.execute(f"UPDATE {table} SET status = '{wanted}'"))
        await attempt.rollback()
        if state is not None:
            refused.add((status, wanted, state))
    both = {(a, b) for a, b in product(_states(table), repeat=2) if a != b}
    assert refused == {(a, b, "AD029") for a, b in both - _moves(table)}


@every_table
async def test_the_application_inserts_rows_only_in_their_initial_status(
    superuser: asyncpg.Connection, table: str
) -> None:
    for drop in await superuser.fetch(CONSTRAINTS, table):
        await superuser.execute(drop[0])
    await superuser.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    await superuser.execute(f"ALTER TABLE {table} ENABLE TRIGGER initial_status")
    # The application may not even name the status of some new rows. The trigger has to answer.
    await superuser.execute(f"GRANT INSERT ON {table} TO {embedded.APP}")
    await superuser.execute(f"SET LOCAL ROLE {embedded.APP}")
    refused = set()
    for status in _states(table):
        attempt = superuser.transaction()
        await attempt.start()
        state = await _refusal(_insert(superuser, table, status))
        await attempt.rollback()
        if state is not None:
            refused.add((status, state))
    assert refused == {(status, "AD030") for status in set(_states(table)) - {_initial(table)}}


async def _refusal(act: Awaitable[object]) -> str | None:
    """Return the SQLSTATE with which the database refuses a statement, or None."""
    try:
        await act
    except asyncpg.PostgresError as error:
        return str(error.sqlstate)
    return None


async def _insert(connection: asyncpg.Connection, table: str, status: str) -> None:
    """Insert a row with this status into a table without constraints."""
    values = {
        name: "now()" if kind.startswith("timestamp") else "'{}'" if kind.endswith("[]") else "'1'"
        for name, kind in await connection.fetch(COLUMNS, table)
    } | {"status": f"'{status}'"}
    await connection.execute(
        f"INSERT INTO {table} ({', '.join(values)}) VALUES ({', '.join(values.values())})"
    )
