"""Test that the migrations run up, down and up again, and match the models."""

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from db.models.operations import Switch
from sandbox import embedded
from services.money import incidents
from services.platform import killswitches
from tests.embedded_fixture import clone_database, drop_database

ROOT = Path(__file__).parents[2]
PAYMENT = {
    "telegram_payment_charge_id": "charge",
    "provider_payment_charge_id": "provider's",
    "total_amount": 500,
    "currency": "USD",
}
PAID_BEFORE = """
    ALTER TABLE withdrawals DISABLE TRIGGER USER;
    ALTER TABLE excess_payments DISABLE TRIGGER USER;
    INSERT INTO users (telegram_id) VALUES (7);
    INSERT INTO withdrawals (user_id, amount, currency, status, external_reference, settled_at)
    SELECT id, 5, 'USD', 'paid', 'wire-1', now() FROM users;
    INSERT INTO withdrawals (user_id, amount, currency) SELECT id, 5, 'USD' FROM users;
    INSERT INTO excess_payments (withdrawal_id, user_id, amount, recovered, loss, currency,
        external_reference, recorded_by)
    SELECT max(id), max(user_id), 5, 5, 0, 'USD', 'wire-2', max(user_id) FROM withdrawals;
    ALTER TABLE withdrawals ENABLE TRIGGER USER;
    ALTER TABLE excess_payments ENABLE TRIGGER USER;
    UPDATE kill_switches SET reason = 'ledger invariant violated' WHERE key = 'payouts';
    UPDATE kill_switches SET reason = 'Fire Drill' WHERE key = 'deposits';
"""
"""A paid withdrawal, an open one, and a payment in excess, in the schema before revision 0012."""
SCHEMA = {
    "columns": "SELECT table_name, column_name, data_type, is_nullable, column_default,"
    " identity_generation FROM information_schema.columns WHERE table_schema = 'public'",
    "indexes": "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "constraints": "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)"
    " FROM pg_constraint WHERE connamespace = 'public'::regnamespace",
    "functions": "SELECT pg_get_functiondef(oid), proacl::text FROM pg_proc"
    " WHERE pronamespace = 'public'::regnamespace",
    "triggers": "SELECT pg_get_triggerdef(t.oid) FROM pg_trigger t"
    " JOIN pg_class c ON c.oid = t.tgrelid WHERE NOT t.tgisinternal",
    "rights": "SELECT relname, relacl::text FROM pg_class"
    " WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'",
    "rights of columns": "SELECT attrelid::regclass::text, attname, attacl::text FROM pg_attribute"
    " WHERE attacl IS NOT NULL AND attrelid::regclass::text NOT LIKE 'pg_%'",
    "default rights": "SELECT defaclobjtype, defaclacl::text FROM pg_default_acl",
}


@pytest.fixture
async def empty(server: embedded.Postgres) -> AsyncIterator[str]:
    """Yield the URL of an empty database, with the tables' owner as its user."""
    name = f"empty_{uuid4().hex}"
    await clone_database(server, "template0", name)
    yield server.dsn(embedded.OWNER, name)
    await drop_database(server, name)


@pytest.fixture
async def migrated(server: embedded.Postgres) -> AsyncIterator[str]:
    """Yield the URL of a migrated database, with the tables' owner as its user."""
    name = f"migrated_{uuid4().hex}"
    await clone_database(server, embedded.DATABASE, name)
    yield server.dsn(embedded.OWNER, name)
    await drop_database(server, name)


def _alembic(url: str, *arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "alembic", *arguments],
        cwd=ROOT,
        env=os.environ | {"MIGRATION_DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-2_000:]


async def _schema(url: str) -> dict[str, list[str]]:
    connection = await asyncpg.connect(url)
    try:
        return {
            part: sorted(str(tuple(row)) for row in await connection.fetch(sql))
            for part, sql in SCHEMA.items()
        }
    finally:
        await connection.close()


async def test_up_down_and_up_again(empty: str) -> None:
    _alembic(empty, "upgrade", "head")
    first = await _schema(empty)
    assert all(first.values())
    _alembic(empty, "downgrade", "base")
    nothing = await _schema(empty)
    assert {row.split("'")[1] for row in nothing["columns"]} == {"alembic_version"}
    assert nothing["functions"] == nothing["triggers"] == nothing["default rights"] == []
    _alembic(empty, "upgrade", "head")
    assert await _schema(empty) == first


async def test_payments_that_wait_during_a_migration_are_noted(empty: str) -> None:
    _alembic(empty, "upgrade", "0003")
    connection = await asyncpg.connect(empty)
    for number, part in ((1, "successful_payment"), (2, "text")):
        await connection.execute(
            "INSERT INTO inbox (update_id, lane, payload) VALUES ($1, 7, $2)",
            number,
            json.dumps({"message": {"from": {"id": 7}, part: PAYMENT}}),
        )
    query = "SELECT id, update_id, payload FROM inbox ORDER BY id"
    before = await connection.fetch(query)
    await connection.close()
    _alembic(empty, "upgrade", "head")
    connection = await asyncpg.connect(empty)
    assert await connection.fetch(query) == before
    noted = (
        "SELECT kind, charge_id, telegram_id, amount, currency, provider_charge_id"
        " FROM received_payments"
    )
    assert [tuple(row) for row in await connection.fetch(noted)] == [
        ("payment", "charge", 7, 500, "USD", "provider's")
    ]
    await connection.close()


async def test_the_lists_of_stars_are_read_once_more(empty: str) -> None:
    """Check that transactions that were refused before the table existed are stored now."""
    _alembic(empty, "upgrade", "0013")
    connection = await asyncpg.connect(empty)
    await connection.execute(
        "INSERT INTO star_list_positions (bot_id, position, newest) VALUES (1, 500, 'in:x')"
    )
    await connection.close()
    _alembic(empty, "upgrade", "0014")
    connection = await asyncpg.connect(empty)
    (stored,) = await connection.fetch("SELECT position, newest FROM star_list_positions")
    assert tuple(stored) == (0, None)
    await connection.close()


async def test_one_open_incident_of_each_kind_is_left_for_earlier_versions(empty: str) -> None:
    _alembic(empty, "upgrade", "0017")
    connection = await asyncpg.connect(empty)
    for ref in (1, 2):
        await connection.execute(
            "SELECT open_incident('audit_chain_broken', $1)", json.dumps({"x": [{"ref": ref}]})
        )
    await connection.close()
    _alembic(empty, "downgrade", "0016")
    connection = await asyncpg.connect(empty)
    left = "SELECT details->'x'->0->>'ref' FROM incidents WHERE closed_at IS NULL"
    assert await connection.fetchval(left) == "1"
    assert await connection.fetchval("SELECT count(*) FROM incidents") == 2
    await connection.close()
    _alembic(empty, "upgrade", "head")


async def test_references_and_reasons_of_older_rows_are_kept(empty: str) -> None:
    """Check that the references of older payments are used, and that reasons become codes."""
    _alembic(empty, "upgrade", "0011")
    connection = await asyncpg.connect(empty)
    await connection.execute(PAID_BEFORE)
    await connection.close()
    used = (
        "SELECT array_agg(external_reference ORDER BY external_reference) FROM external_references"
    )
    reasons = "SELECT array_agg(DISTINCT reason ORDER BY reason) FROM kill_switches"
    _alembic(empty, "upgrade", "0012")
    connection = await asyncpg.connect(empty)
    assert await connection.fetchval(used) == ["wire-1", "wire-2"]
    assert await connection.fetchval(reasons) == [
        *("Fire Drill", killswitches.CREATED_STOPPED, incidents.FREEZE_REASON)
    ]
    await connection.close()
    _alembic(empty, "downgrade", "0011")
    connection = await asyncpg.connect(empty)
    assert await connection.fetchval(reasons) == [
        *("Fire Drill", "created stopped", "ledger invariant violated")
    ]
    await connection.close()


async def test_models_and_migrations_agree(migrated: str) -> None:
    _alembic(migrated, "check")


async def test_every_switch_is_created_stopped(migrated: str) -> None:
    connection = await asyncpg.connect(migrated)
    try:
        found = await connection.fetch("SELECT key, enabled, reason FROM kill_switches")
    finally:
        await connection.close()
    new = (False, killswitches.CREATED_STOPPED)
    assert {row["key"]: (row["enabled"], row["reason"]) for row in found} == dict.fromkeys(
        map(str, Switch), new
    )


async def test_a_second_upgrade_changes_nothing(migrated: str) -> None:
    before = await _schema(migrated)
    _alembic(migrated, "upgrade", "head")
    assert await _schema(migrated) == before
