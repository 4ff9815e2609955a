"""Test that only old rows that nobody needs are deleted, and that an index finds them."""

import re
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import text

from db.models.base import Base
from db.models.posting import Verdict
from sandbox import embedded
from scheduler.retention import Retention
from services.money import escrow
from services.platform import outbox, retention
from services.posts import verification
from tests.conftest import Database
from tests.factories import people, rows

ROOT = Path(__file__).parents[3]
KEEP = timedelta(days=90)
OLD = timedelta(days=91)
LARGE = ("outbox", "ledger_checkpoints", "post_checks", "post_jobs", "escrows")
MANY = """
    INSERT INTO outbox (kind, payload, status, sent_at)
    SELECT 'x', '{}', 'sent', clock() FROM generate_series(1, 50000);
    INSERT INTO ledger_checkpoints (violations, details)
    SELECT 0, '{}' FROM generate_series(1, 50000);
    INSERT INTO post_jobs (campaign_target_id, channel_id, due_at, status, message_id, settled)
    SELECT n, n, clock(), 'success', n, true FROM generate_series(1, 5000) n;
    INSERT INTO escrows (campaign_target_id, wallet_id, amount, fee, status, settled_at)
    SELECT n, n, 1, 0, 'released', clock() FROM generate_series(1, 5000) n;
    INSERT INTO post_checks (post_job_id, verdict, evidence)
    SELECT n % 5000 + 1, 'present', '' FROM generate_series(1, 50000) n;
    ANALYZE outbox, ledger_checkpoints, post_checks, post_jobs, escrows
"""
"""Rows that are too young to be deleted, as after some months of work."""
EXPLAINED = {
    "purge_outbox": "ix_outbox_ended",
    "purge_checkpoints": "ix_ledger_checkpoints_passed",
    "purge_post_checks": "ix_post_checks_post_job_id_checked_at",
}


async def _purge(database: Database) -> None:
    await Retention(database.sessions, KEEP).run()


async def _count(database: Database, table: str, condition: str = "true") -> int:
    async with database.sessions.begin() as session:
        sql = f"SELECT count(*) FROM {table} WHERE {condition}"
        return int(await rows.one(session, sql))


async def _add_messages(database: Database) -> None:
    """Add a delivered, a given up and a queued message, and the refusal of a payment in Stars."""
    async with database.sessions.begin() as session:
        for name in ("sent", "failed", "queued"):
            await outbox.add(session, user_id=None, kind="withdrawal_paid", payload={}, key=name)
        await outbox.add(
            session,
            user_id=None,
            kind="withdrawal_paid",
            payload={},
            key="star_transaction_refused:payment:charge",
        )
        await session.execute(
            text(
                "UPDATE outbox SET status = 'sent', sent_at = clock()"
                " WHERE key NOT IN ('queued', 'failed')"
            )
        )
        await session.execute(text("UPDATE outbox SET status = 'failed' WHERE key = 'failed'"))


async def test_messages_are_deleted_when_they_are_old(database: Database) -> None:
    await _add_messages(database)
    await database.forward(KEEP - timedelta(minutes=1))
    await _purge(database)
    assert await _count(database, "outbox", "key IS NOT NULL") == 4
    await database.forward(timedelta(minutes=2))
    await _purge(database)
    async with database.sessions.begin() as session:
        left = await session.scalars(
            text("SELECT key FROM outbox WHERE key IS NOT NULL ORDER BY key")
        )
        assert list(left) == ["queued", "star_transaction_refused:payment:charge"]


async def test_messages_of_held_money_are_kept(database: Database) -> None:
    async with database.sessions.begin() as session:
        deal = await people.approved(session)
        await outbox.add(session, user_id=None, kind="x", payload={"target_id": "no number"})
        await session.execute(text("UPDATE outbox SET status = 'sent', sent_at = clock()"))
    mine = f"payload ->> 'target_id' = '{deal.target.id}'"
    before = await _count(database, "outbox", mine)
    assert before
    await database.forward(OLD)
    await _purge(database)
    assert await _count(database, "outbox", mine) == before
    assert await _count(database, "outbox", "kind = 'x'") == 0


async def test_a_backlog_is_deleted_in_batches(database: Database) -> None:
    await database.as_owner(
        "INSERT INTO outbox (kind, payload, status, sent_at) SELECT 'x', '{}', 'queued',"
        " clock() - interval '91 days' FROM generate_series(1, 2500);"
        " UPDATE outbox SET status = 'sent'"
    )
    async with database.sessions.begin() as session:
        assert await retention.purge_outbox(session, KEEP) == retention.BATCH
    await _purge(database)
    assert await _count(database, "outbox", "kind = 'x'") == 0


async def _checked_and_released(database: Database) -> None:
    """Release a post after four checks: present, altered, unknown, and present at the end."""
    async with database.sessions.begin() as session:
        deal = await people.posted(session, promised_hours=4)
    for verdict in (Verdict.PRESENT, Verdict.ALTERED, Verdict.UNKNOWN, Verdict.PRESENT):
        await database.forward(timedelta(hours=1))
        async with database.sessions.begin() as session:
            job_id = await rows.one(session, "SELECT id FROM post_jobs")
            await verification.record_check(
                session, job_id=job_id, verdict=verdict, evidence="seen"
            )
    async with database.sessions.begin() as session:
        await session.execute(text("SELECT breach FROM post_jobs"))
        await escrow.release(session, target_id=deal.target.id)


async def test_the_checks_that_prove_a_payout_are_kept(database: Database) -> None:
    await _checked_and_released(database)
    await database.forward(OLD)
    await _purge(database)
    async with database.sessions.begin() as session:
        left = await session.scalars(text("SELECT verdict FROM post_checks ORDER BY id"))
        assert list(left) == ["altered", "present"]


async def test_checks_of_unsettled_posts_are_kept(database: Database) -> None:
    async with database.sessions.begin() as session:
        await people.posted(session, promised_hours=24)
        job_id = await rows.one(session, "SELECT id FROM post_jobs")
        for _ in range(2):
            await verification.record_check(
                session, job_id=job_id, verdict=Verdict.PRESENT, evidence="seen"
            )
    await database.forward(OLD)
    await _purge(database)
    assert await _count(database, "post_checks") == 2


async def _record_ledger_checks(database: Database) -> None:
    """Record a check of all rows, one with a violation, and two small ones."""
    async with database.sessions.begin() as session:
        for violations, progress, is_full in (
            (0, '{"horizon": 1}', True),
            (1, None, False),
            (0, '{"horizon": 1}', False),
            (0, '{"horizon": 1}', False),
        ):
            await session.execute(
                text(
                    "SELECT record_ledger_check(:violations, '{}', CAST(:progress AS jsonb),"
                    " CASE WHEN :is_full THEN clock() END)"
                ),
                {"violations": violations, "progress": progress, "is_full": is_full},
            )


async def test_the_ledger_checks_that_the_next_one_needs_are_kept(database: Database) -> None:
    await _record_ledger_checks(database)
    await database.forward(OLD)
    await _purge(database)
    kept = "SELECT array_agg(row ORDER BY id) FROM (SELECT id, violations::text"
    async with database.sessions.begin() as session:
        found = await rows.one(
            session,
            f"{kept} || CASE WHEN full_since IS NULL THEN '' ELSE ' full' END AS row"
            " FROM ledger_checkpoints) AS left_over",
        )
    assert found == ["0 full", "1", "0"]


async def test_nothing_is_deleted_while_an_incident_is_open(database: Database) -> None:
    await _add_messages(database)
    await _checked_and_released(database)
    await _record_ledger_checks(database)
    await database.as_owner("INSERT INTO incidents (kind, details) VALUES ('guard_missing', '{}')")
    await database.forward(OLD)
    await _purge(database)
    assert await _count(database, "post_checks") == 4
    assert await _count(database, "ledger_checkpoints") == 4
    assert await _count(database, "outbox", "key = 'sent'") == 1


async def test_heartbeats_of_silent_processes_are_deleted(database: Database) -> None:
    await database.as_owner(
        "INSERT INTO heartbeats (owner, name, beat_at) VALUES"
        " ('old', 'bot', now() - interval '25 hours'), ('new', 'bot', now() - interval '23 hours')"
    )
    await _purge(database)
    assert await _count(database, "heartbeats", "owner = 'old'") == 0
    assert await _count(database, "heartbeats", "owner = 'new'") == 1


@pytest.mark.parametrize(
    "call",
    [
        "purge_outbox('29 days', 1)",
        "purge_checkpoints('29 days', 1)",
        "purge_post_checks('29 days', 0, 1)",
        "purge_outbox(NULL, 1)",
    ],
)
async def test_no_login_can_delete_younger_rows(database: Database, call: str) -> None:
    connection = await asyncpg.connect(database.url)
    try:
        with pytest.raises(asyncpg.PostgresError) as refused:
            await connection.execute(f"SELECT {call}")
    finally:
        await connection.close()
    assert refused.value.sqlstate == "AD056"


@pytest.mark.parametrize(
    ("table", "spare"), [("post_checks", "min(id)"), ("ledger_checkpoints", "max(id) - 1")]
)
async def test_nobody_deletes_a_row_by_hand(database: Database, table: str, spare: str) -> None:
    """Try to delete a row that could be deleted two days later."""
    await _checked_and_released(database)
    await _record_ledger_checks(database)
    await database.forward(timedelta(days=29))
    delete = f"DELETE FROM {table} WHERE id = (SELECT {spare} FROM {table})"
    for url, state in ((database.url, "42501"), (database.owner_url, "AD057")):
        connection = await asyncpg.connect(url)
        try:
            with pytest.raises(asyncpg.PostgresError) as refused:
                await connection.execute(delete)
        finally:
            await connection.close()
        assert refused.value.sqlstate == state
    assert await _count(database, table) == 4


async def test_old_rows_among_many_are_found_by_an_index(
    server: embedded.Postgres, database: Database
) -> None:
    name = database.url.partition("@/")[2].partition("?")[0]
    connection = await asyncpg.connect(server.dsn(embedded.SUPERUSER, name))
    try:
        await connection.execute(f"SET session_replication_role = replica; {MANY}")
        for function, index in EXPLAINED.items():
            for setting in re.findall(r"SET (enable_\w+) = off", _text(function)):
                await connection.execute(f"SET {setting} = off")
            plan = [row[0] for row in await connection.fetch(f"EXPLAIN {_deletion(function)}")]
            await connection.execute("RESET ALL")
            assert any(index in line for line in plan), plan
            assert not any("Sort" in line for line in plan), plan
            assert not any(f"Seq Scan on {table}" in line for line in plan for table in LARGE), plan
    finally:
        await connection.close()


def _text(function: str) -> str:
    return (ROOT / f"db/functions/{function}.sql").read_text()


def _deletion(function: str) -> str:
    """Return the DELETE of a database function, with values in place of its parameters."""
    body = _text(function)
    delete = body[body.index("DELETE FROM") : body.index(";", body.index("DELETE FROM"))]
    for variable, value in (
        ("before", "now() - interval '90 days'"),
        ("row_limit", "1000"),
        ("after_job", "0"),
        ("last_job", "1000"),
    ):
        delete = re.sub(rf"\b{variable}\b", value, delete)
    return delete


def test_the_page_says_what_happens_to_each_table() -> None:
    page = (ROOT / "docs/retention.md").read_text()
    described = re.findall(r"`(\w+)`", " ".join(re.findall(r"^\| (`.+?`) \|", page, re.MULTILINE)))
    assert sorted(described) == sorted(Base.metadata.tables)
