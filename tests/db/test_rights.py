"""Test that each database role has only the rights that it needs."""

import tomllib
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from sandbox import embedded, logins
from tests.conftest import Database
from tests.factories import people

RIGHTS = Path(__file__).parents[2] / "db" / "rights.toml"
IN_CATALOGUE = """
    SELECT pg_get_userbyid(r.grantee) AS login, r.privilege_type, c.relname AS name, NULL AS column
    FROM pg_class c, aclexplode(c.relacl) r
    WHERE c.relnamespace = 'public'::regnamespace AND r.grantee <> c.relowner
    UNION ALL
    SELECT pg_get_userbyid(r.grantee), r.privilege_type, c.relname, a.attname
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid, aclexplode(a.attacl) r
    WHERE c.relnamespace = 'public'::regnamespace AND r.grantee <> c.relowner
    UNION ALL
    SELECT CASE r.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(r.grantee) END,
        r.privilege_type, p.proname, NULL
    FROM pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) r
    WHERE p.pronamespace = 'public'::regnamespace AND r.grantee <> p.proowner
"""
"""The query for all rights except those of the owner."""

DENIED = """
INSERT INTO wallets (kind, currency) VALUES ('escrow', 'USD')
UPDATE wallets SET balance = balance + 1
UPDATE wallets SET user_id = 1
UPDATE wallets SET version = version + 1
DELETE FROM wallets
TRUNCATE wallets CASCADE
INSERT INTO ledger_transfers (key, reason, reference_id) VALUES ('x', 'adjustment', 1)
UPDATE ledger_transfers SET key = 'y'
DELETE FROM ledger_transfers
TRUNCATE ledger_transfers CASCADE
INSERT INTO ledger_entries (transfer_id, wallet_id, amount, balance_after, version, reason, \
reference_id) VALUES (1, 1, 1, 1, 1, 'adjustment', 1)
UPDATE ledger_entries SET amount = 1
DELETE FROM ledger_entries
TRUNCATE ledger_entries
UPDATE user_audit_logs SET action = 'nothing'
DELETE FROM user_audit_logs
TRUNCATE user_audit_logs
INSERT INTO kill_switches (key, reason) VALUES ('payouts', 'x')
DELETE FROM kill_switches
UPDATE kill_switches SET key = 'deposits'
UPDATE escrows SET amount = 1
UPDATE escrows SET fee = 0
UPDATE escrows SET wallet_id = 1
UPDATE escrows SET campaign_target_id = 1
DELETE FROM escrows
UPDATE campaign_targets SET price = 1
UPDATE campaign_targets SET promised_hours = 0
UPDATE campaign_targets SET fee_bps = 0
UPDATE campaign_targets SET owner_id = 1
UPDATE campaign_targets SET publish_at = now()
UPDATE campaign_targets SET channel_id = 1
DELETE FROM campaign_targets
UPDATE campaigns SET creative = '{}'
UPDATE campaigns SET total_budget = 1
UPDATE campaigns SET advertiser_id = 1
DELETE FROM campaigns
UPDATE deposits SET amount = 1
UPDATE deposits SET external_reference = 'x'
UPDATE clawbacks SET recovered = 0
DELETE FROM clawbacks
UPDATE withdrawals SET amount = 1
UPDATE withdrawals SET user_id = 1
DELETE FROM withdrawals
UPDATE corrections SET proposed_by = 1
UPDATE corrections SET amount = 1
DELETE FROM corrections
UPDATE post_jobs SET campaign_target_id = 1
DELETE FROM post_jobs
UPDATE post_checks SET verdict = 'present'
DELETE FROM post_checks
UPDATE users SET telegram_id = 1
DELETE FROM users
UPDATE ledger_checkpoints SET violations = 0
DELETE FROM incidents
DELETE FROM leases
DELETE FROM heartbeats
INSERT INTO launch_runs (phase, step, passed, evidence) VALUES (1, 'x', true, '{}')
UPDATE incidents SET details = '{}'
UPDATE clock_shift SET shift = interval '1 day'
ALTER TABLE ledger_entries DISABLE TRIGGER ALL
ALTER TABLE wallets DROP CONSTRAINT ck_wallets_not_negative
DROP TABLE outbox
DROP TRIGGER append_only ON ledger_entries
CREATE TABLE public.mine (id int)
CREATE TEMP TABLE wallets (id int)
CREATE FUNCTION public.clock2() RETURNS int LANGUAGE sql AS 'SELECT 1'
CREATE SCHEMA mine
SET ROLE adtech_owner
SET session_replication_role = replica
CREATE ROLE mine
SELECT require_escrow_match(1)
SELECT require_legs(1, '{}', '{}', '{}', '{}')
SELECT repair(1)
SELECT reset_balance(1)
SELECT reopen_escrow(1)
SELECT pg_read_file('/etc/hostname')
COPY users TO PROGRAM 'cat'
"""


@pytest.fixture
async def app(database: Database) -> AsyncIterator[asyncpg.Connection]:
    """Yield a connection with the application's database role."""
    connection = await asyncpg.connect(database.url)
    yield connection
    await connection.close()


async def test_the_application_is_denied_every_other_statement(
    database: Database, app: asyncpg.Connection
) -> None:
    async with database.sessions.begin() as session:
        await people.approved(session)
    allowed = []
    for statement in DENIED.strip().splitlines():
        try:
            async with app.transaction():
                await app.execute(statement)
            allowed.append(statement)
        except asyncpg.InsufficientPrivilegeError:
            pass
        except asyncpg.PostgresError as error:
            allowed.append(f"{statement}: {error.sqlstate}")
    assert allowed == []


async def test_every_right_has_a_reason_and_every_reason_a_right(
    app: asyncpg.Connection,
) -> None:
    written = [
        (login, entry["right"], name, column)
        for login, entries in tomllib.loads(RIGHTS.read_text()).items()
        for entry in entries
        for name in entry["on"]
        for column in entry.get("columns", [None])
    ]
    assert len(written) == len(set(written))
    assert {tuple(row) for row in await app.fetch(IN_CATALOGUE)} == set(written)


def test_every_reason_is_a_few_words() -> None:
    for entries in tomllib.loads(RIGHTS.read_text()).values():
        for entry in entries:
            assert entry.keys() - {"columns"} == {"right", "on", "why"}
            assert 2 <= len(entry["why"].split()) <= 15, entry


async def test_no_login_has_a_power_over_the_server(server: embedded.Postgres) -> None:
    for login in logins.LOGINS:
        connection = await asyncpg.connect(server.dsn(login))
        try:
            assert not await connection.fetch(
                "SELECT FROM pg_roles WHERE rolname = current_user AND (rolsuper OR rolcreaterole"
                " OR rolcreatedb OR rolreplication OR rolbypassrls)"
            )
            assert not await connection.fetch(
                "SELECT FROM pg_class WHERE relowner = current_user::regrole"
            )
            member_of = await connection.fetch(
                "SELECT rolname FROM pg_roles WHERE rolname <> current_user"
                " AND pg_has_role(oid, 'MEMBER') ORDER BY rolname"
            )
        finally:
            await connection.close()
        expected = sorted(logins.JOBS) if login == logins.APP else []
        assert [row["rolname"] for row in member_of] == expected


async def test_a_function_with_the_rights_of_the_owner_has_a_fixed_search_path(
    app: asyncpg.Connection,
) -> None:
    unsafe = await app.fetch(
        "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef"
        " AND NOT proconfig @> ARRAY['search_path=pg_catalog, public, pg_temp']"
    )
    assert unsafe == []


async def test_the_application_cannot_take_held_money(
    database: Database, app: asyncpg.Connection
) -> None:
    async with database.sessions.begin() as session:
        deal = await people.approved(session)
        thief = await people.person(session)
    held = await app.fetchval("SELECT wallet_id FROM escrows")
    mine = await app.fetchval("SELECT id FROM wallets WHERE user_id = $1", thief.user_id)
    for reason, state in (
        ("adjustment", "AD019"),
        ("withdrawal_return", "AD019"),
        ("payout", "AD012"),
        ("refund", "AD012"),
    ):
        with pytest.raises(asyncpg.PostgresError) as refusal:
            async with app.transaction():
                await app.fetchval(
                    "SELECT post_transfer('x', $1, $2, ARRAY[$3, $4]::bigint[],"
                    " ARRAY[-5000, 5000]::bigint[], ARRAY[$1, $1], NULL, NULL)",
                    reason,
                    deal.target.id,
                    held,
                    mine,
                )
        assert refusal.value.sqlstate == state


async def test_the_application_cannot_settle_without_moving_the_money(
    database: Database, app: asyncpg.Connection
) -> None:
    async with database.sessions.begin() as session:
        posted = await people.posted(session, promised_hours=0)
        failed = await people.failed(session)
    for status, deal in (("released", posted), ("refunded", failed)):
        with pytest.raises(asyncpg.PostgresError) as refusal:
            async with app.transaction():
                await app.execute(
                    "UPDATE escrows SET status = $1, settled_at = now()"
                    " WHERE campaign_target_id = $2",
                    status,
                    deal.target.id,
                )
        assert refusal.value.sqlstate == "AD012"
