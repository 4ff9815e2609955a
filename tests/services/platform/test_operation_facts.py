"""Test that the queries that run on the clock read no large table as a whole."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest
from sqlalchemy.engine import make_url

from sandbox import embedded
from services.launch import criteria
from services.platform import operation_facts, traces
from tests.conftest import Database, copied_database

ROWS = 50_000
FEW = 50
"""How many of the rows of each table are open, for example queued."""
LARGE = ("users", "campaign_targets", "post_jobs", "escrows", "wallets", "inbox", "outbox")
LARGE_TOO = ("withdrawals", "ledger_checkpoints", "incidents", "failure_counts")
OLD = "now() - interval '90 days' + n * interval '0.01 s'"
FILL = (
    """
    INSERT INTO wallets (id, kind, balance, currency, version) OVERRIDING SYSTEM VALUE
    SELECT n, 'escrow', 0, 'USD', 0 FROM generate_series(1, :rows) AS n
    """,
    """
    INSERT INTO campaign_targets (id, campaign_id, channel_id, owner_id, price, promised_hours,
        fee_bps, status, created_at, txn) OVERRIDING SYSTEM VALUE
    SELECT n, n % 5000 + 1, n % 1000 + 1, n % 1000 + 1, 500, 24, 1000,
        CASE WHEN n <= :few THEN 'approved' ELSE 'posted' END, :old, n
    FROM generate_series(1, :rows) AS n
    """,
    """
    INSERT INTO post_jobs (campaign_target_id, channel_id, status, due_at, settled, message_id,
        updated_at, created_at, txn)
    SELECT n, n % 1000 + 1, CASE WHEN n <= :few THEN 'queued' WHEN n % 50 = 0 THEN 'failed'
        ELSE 'success' END, :old, n > :few, n, :old, :old, n
    FROM generate_series(1, :rows) AS n
    """,
    """
    INSERT INTO escrows (campaign_target_id, wallet_id, amount, fee, status, settled_at,
        created_at, txn)
    SELECT n, n, 500, 50, CASE WHEN n <= :few THEN 'held' ELSE 'released' END,
        CASE WHEN n > :few THEN now() END, :old, n FROM generate_series(1, :rows) AS n
    """,
    """
    INSERT INTO inbox (update_id, lane, done_at, received_at)
    SELECT n, n % 1000, CASE WHEN n <= (:rows - :few) THEN now() END, :old
    FROM generate_series(1, :rows) AS n
    """,
    """
    INSERT INTO user_audit_logs (action, role, metadata, correlation_id, created_at)
    SELECT 'x', 'system', CASE WHEN n % 3 = 0 THEN jsonb_build_object('target_id', n, 'origin_id',
        md5(n::text)) ELSE jsonb_build_object('target_id', n) END, md5((n / 2)::text), :old
    FROM generate_series(1, :rows) AS n
    """,
    """
    INSERT INTO ledger_transfers (key, reason, reference_id, created_at)
    SELECT n, 'adjustment', n, :old FROM generate_series(1, :rows) AS n
    """,
    """
    INSERT INTO deposits (user_id, amount, currency, source, status, external_reference, txn)
    SELECT 1, 5, 'USD', 'x', 'credited', 'd' || n, n FROM generate_series(1, :rows) AS n
    """,
    """
    INSERT INTO outbox (kind, payload, status, due_at, created_at)
    SELECT 'x', '{}', CASE WHEN n <= (:rows - :few) THEN 'sent' ELSE 'queued' END, :old, :old
    FROM generate_series(1, :rows) AS n
    """,
    """
    INSERT INTO withdrawals (user_id, amount, currency, status, external_reference, settled_at,
        created_at, txn)
    SELECT n % 1000 + 1, 5, 'USD', CASE WHEN n <= :few THEN 'requested' ELSE 'paid' END,
        CASE WHEN n > :few THEN 'w' || n END, CASE WHEN n > :few THEN now() END, :old, n
    FROM generate_series(1, :rows) AS n
    """,
    """
    INSERT INTO ledger_checkpoints (violations, details, created_at)
    SELECT 0, '{}', :old FROM generate_series(1, :rows) AS n
    """,
    """
    INSERT INTO incidents (kind, details, opened_at, closed_at, fingerprint)
    SELECT 'ledger_violation', '{}', :old, :old, n::text FROM generate_series(1, :rows) AS n
    """,
    """
    INSERT INTO failure_counts (kind, minute, occurred)
    SELECT (ARRAY['conflict', 'deadlock', 'approve_timeout'])[n % 3 + 1],
        date_trunc('minute', now()) - (n / 3) * interval '1 minute', 1
    FROM generate_series(1, :rows) AS n
    """,
)
QUERIES = {
    "numbers": str(operation_facts._NUMBERS),
    "money_held": str(operation_facts._MONEY_HELD),
    "withdrawals": str(operation_facts._WITHDRAWALS),
} | {criterion.name: criterion.sql for criterion in criteria.CRITERIA}
VALUES = {"sla": "interval '1 day'", "limit": "'1 day'", "since": "now() - interval '1 hour'"}


@pytest.fixture(scope="module")
async def filled(server: embedded.Postgres, running: str) -> AsyncIterator[Database]:
    """Yield a database of a business that has run for long. Its rows have no meaning."""
    async with copied_database(server, running) as database:
        name = str(make_url(database.url).database)
        superuser = await asyncpg.connect(server.dsn(embedded.SUPERUSER, name))
        await superuser.execute("SET session_replication_role = replica")
        for statement in FILL:
            filling = statement.replace(":old", OLD).replace(":few", str(FEW))
            await superuser.execute(filling.replace(":rows", str(ROWS)))
        await superuser.execute("ANALYZE")
        await superuser.close()
        yield database


@pytest.mark.parametrize("name", QUERIES)
async def test_a_query_of_the_clock_reads_no_large_table_as_a_whole(
    filled: Database, name: str
) -> None:
    plan = await explain(filled, QUERIES[name])
    skipped = [int(number) for number in re.findall(r"Rows Removed by \w+: (\d+)", plan)]
    assert max(skipped, default=0) < ROWS / 10, plan
    assert read_as_a_whole(plan) & {*LARGE, *LARGE_TOO} == set(), plan


async def test_a_trace_reads_no_large_table_as_a_whole(filled: Database) -> None:
    # Withdrawals, requests and incidents are few, and have no index for it.
    plan = await explain(filled, str(traces._ROWS).replace(":id", "md5('500')"))
    assert read_as_a_whole(plan) <= {"withdrawals", "staff_requests", "incidents"}, plan


async def explain(database: Database, query: str) -> str:
    """Run a query, and return its plan with the numbers of rows."""
    for parameter, value in VALUES.items():
        query = query.replace(f":{parameter}", value)
    connection = await asyncpg.connect(database.url)
    try:
        return "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN ANALYZE {query}"))
    finally:
        await connection.close()


def read_as_a_whole(plan: str) -> set[str]:
    """Return the tables of which a plan reads all rows."""
    return set(re.findall(r"Seq Scan on (\w+)", plan))


async def test_the_facts_are_those_of_the_rows(filled: Database) -> None:
    async with filled.sessions.begin() as session:
        facts = await operation_facts.read(session, sla=timedelta(days=1))
    assert facts.numbers["escrows_held"] == facts.numbers["escrows_late"] == FEW
    assert facts.numbers["inbox_open"] == FEW
    assert facts.numbers["outbox_queued"] >= FEW
    assert facts.withdrawals == {"requested": FEW, "approved": 0}
