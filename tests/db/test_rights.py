"""Test that the application's database role has only the rights that it needs."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from tests.conftest import Database
from tests.factories import people

INSERTED = [
    "audit_chain_links",
    "campaign_targets",
    "campaigns",
    "channels",
    "clawbacks",
    "corrections",
    "deposits",
    "escrows",
    "excess_payments",
    "heartbeats",
    "inbox",
    "incidents",
    "launch_runs",
    "leases",
    "ledger_checkpoints",
    "moved_chats",
    "outbox",
    "post_checks",
    "post_jobs",
    "publication_statements",
    "staff_requests",
    "user_audit_logs",
    "user_roles",
    "users",
    "withdrawals",
]
DELETED = ["heartbeats", "inbox", "leases", "user_roles"]
UPDATED = {
    "campaign_targets": {"status", "decided_by", "decided_at", "decision_reason"},
    "campaigns": {"status"},
    "channels": {
        *("owner_id", "title", "username", "topic", "subscribers", "price", "promised_hours"),
        *("status", "status_reason", "suspended_at", "was_paused", "last_message_id"),
    },
    "corrections": {"status", "confirmed_by", "confirm_reason", "done_at"},
    "deposits": {"status", "credited_at"},
    "escrows": {"status", "release_due_at", "settled_at"},
    "heartbeats": {"beat_at"},
    "inbox": {"payload", "attempts", "done_at", "failed_at", "last_error"},
    "incidents": {"closed_at", "closed_by", "details"},
    "kill_switches": {"enabled", "changed_by", "changed_at", "reason"},
    "leases": {"owner", "epoch", "held_until"},
    "moved_chats": {"new_chat_id"},
    "outbox": {"status", "due_at", "attempts", "last_error", "message_id", "sent_at"},
    "post_jobs": {
        *("status", "due_at", "claim_no", "attempts", "lease_owner", "lease_until"),
        *("last_error", "message_id", "sent_at", "updated_at", "unsent_claim_no", "abandoned"),
        *("known_message_id", "first_absent_at", "next_check_at", "escalate_at", "offered_at"),
        *("breach", "breach_refund_at", "check_began_at"),
    },
    "staff_requests": {"status", "acknowledged", "decided_by", "decided_at"},
    "users": {"language", "language_chosen", "time_zone", "blocked"},
    "withdrawals": {
        *("status", "external_reference", "decided_by", "return_reason", "settled_at"),
        *("paying_by", "paying_until"),
    },
}

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
    """Yield a connection in the application's role."""
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


async def test_the_application_may_write_only_these_columns(app: asyncpg.Connection) -> None:
    assert not await app.fetch(
        "SELECT FROM pg_roles WHERE rolname = current_user AND (rolsuper OR rolcreaterole"
        " OR rolcreatedb OR rolreplication OR rolbypassrls)"
    )
    assert not await app.fetch(
        "SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = 'public' AND pg_get_userbyid(c.relowner) = current_user"
    )
    tables = (
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    )

    async def with_right(right: str) -> list[str]:
        found = await app.fetch(
            f"{tables} AND has_table_privilege(oid, $1) ORDER BY relname", right
        )
        return [row["relname"] for row in found]

    assert await with_right("INSERT") == INSERTED
    assert await with_right("DELETE") == DELETED
    for right in ("UPDATE", "TRUNCATE", "REFERENCES", "TRIGGER", "MAINTAIN"):
        assert await with_right(right) == [], right
    updated: dict[str, set[str]] = {}
    for row in await app.fetch(
        "SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
        " WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND a.attnum > 0"
        " AND has_column_privilege(c.oid, a.attnum, 'UPDATE')"
    ):
        updated.setdefault(row["relname"], set()).add(row["attname"])
    assert updated == UPDATED


async def test_the_application_may_call_only_these_functions(app: asyncpg.Connection) -> None:
    callable_ = await app.fetch(
        "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
        " AND has_function_privilege(oid, 'EXECUTE') ORDER BY proname"
    )
    assert [row["proname"] for row in callable_] == [
        "approve_target",
        "clock",
        "hold_escrow",
        "ledger_horizon",
        "ledger_txn",
        "lock_wallet",
        "open_wallet",
        "post_transfer",
    ]
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
        await people.posted(session, promised_hours=0)
    for status in ("released", "refunded"):
        with pytest.raises(asyncpg.PostgresError) as refusal:
            async with app.transaction():
                await app.execute("UPDATE escrows SET status = $1, settled_at = now()", status)
        assert refusal.value.sqlstate == "AD012"
