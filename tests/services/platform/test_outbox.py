"""Test that each message of the outbox is delivered or given up."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.operations import OutboxMessage
from services.platform import outbox
from services.platform.priorities import Priority
from tests.conftest import Database
from tests.factories import people, rows
from tests.factories.statements import plans_of

MINUTE = timedelta(minutes=1)
ROOT = Path(__file__).parents[3]


async def _owe(session: AsyncSession, key: str | None = None) -> None:
    await outbox.add(session, user_id=None, kind="payment_parked", payload={"n": 1}, key=key)


async def test_a_message_with_a_key_is_owed_once(session: AsyncSession) -> None:
    await session.execute(text("UPDATE outbox SET status = 'failed'"))
    for _ in range(2):
        await _owe(session, "once")
        await _owe(session)
    assert len(await outbox.claim(session, limit=9)) == 3


async def test_a_claimed_message_is_leased(database: Database) -> None:
    async def take() -> list[OutboxMessage]:
        async with database.sessions.begin() as session:
            return list(await outbox.claim(session, limit=99))

    async with database.sessions.begin() as session:
        await session.execute(text("UPDATE outbox SET status = 'failed'"))
        await _owe(session)
    first = await take()
    assert [message.attempts for message in first] == [1]
    assert await take() == []
    # The process of the claim died. Another process claims the message after the lease.
    await database.as_owner("UPDATE outbox SET due_at = due_at - interval '31 seconds'")
    second = await take()
    assert [(message.id, message.attempts) for message in second] == [(first[0].id, 2)]
    async with database.sessions.begin() as session:
        await outbox.record_failed(session, id=second[0].id, error="429", retry_in=timedelta(0))
    assert len(await take()) == 1
    async with database.sessions.begin() as session:
        await outbox.record_sent(session, {second[0].id: 77})
        await outbox.record_failed(session, id=second[0].id, error="late", retry_in=None)
    assert await take() == []
    async with database.sessions.begin() as session:
        assert await rows.table(
            session, "SELECT status, message_id FROM outbox WHERE id = :id", id=second[0].id
        ) == [("sent", 77)]


async def test_a_message_that_cannot_arrive_is_given_up(session: AsyncSession) -> None:
    person = await people.person(session)
    await outbox.add(session, user_id=person.user_id, kind="target_paid", payload={})
    message = (await outbox.claim(session, limit=99))[-1]
    assert message.user_id == person.user_id
    await outbox.record_failed(session, id=message.id, error="blocked", retry_in=None)
    assert await rows.table(
        session, "SELECT status, last_error FROM outbox WHERE id = :id", id=message.id
    ) == [("failed", "blocked")]


@pytest.mark.parametrize("arrived", [False, True])
async def test_a_message_that_ended_does_not_change(
    session: AsyncSession, *, arrived: bool
) -> None:
    await session.execute(text("UPDATE outbox SET status = 'failed'"))
    await _owe(session)
    [owed] = await outbox.claim(session, limit=99)
    if arrived:
        await outbox.record_sent(session, {owed.id: 5})
        await outbox.record_failed(session, id=owed.id, error="late", retry_in=MINUTE)
    else:
        await outbox.record_failed(session, id=owed.id, error="gone", retry_in=None)
        await outbox.record_sent(session, {owed.id: 5})
    found = await rows.table(
        session, "SELECT status, message_id, last_error FROM outbox WHERE id = :id", id=owed.id
    )
    assert found == [("sent", 5, None) if arrived else ("failed", None, "gone")]


async def test_messages_are_claimed_by_their_priority_first(session: AsyncSession) -> None:
    await session.execute(text("UPDATE outbox SET status = 'failed'"))
    for kind in ("target_submitted", "deposit_credited", "payment_parked"):
        await outbox.add(session, user_id=None, kind=kind, payload={})
    first, second = await outbox.claim(session, limit=2)
    assert [first.kind, second.kind] == ["payment_parked", "deposit_credited"]
    assert await outbox.claim(session, limit=9, priorities=[Priority.ALARM]) == []
    [last] = await outbox.claim(session, limit=9)
    assert last.kind == "target_submitted"


async def test_alarms_that_anybody_can_cause_do_not_delay_the_others(
    session: AsyncSession,
) -> None:
    await session.execute(text("UPDATE outbox SET status = 'failed'"))
    for _ in range(200):
        await outbox.add(session, user_id=None, kind="deposit_clawed_back", payload={})
    for kind in ("alert_firing", "telegram_down", "alert_resolved"):
        await outbox.add(session, user_id=None, kind=kind, payload={})
    claimed = await outbox.claim(session, limit=20, priorities=[Priority.ALARM])
    assert [message.kind for message in claimed] == [
        *("alert_firing", "telegram_down", "alert_resolved"),
        *["deposit_clawed_back"] * outbox.PER_RECEIVER,
    ]


async def test_a_step_back_of_the_clock_delays_no_message(database: Database) -> None:
    async def due() -> int:
        async with database.sessions.begin() as session:
            await outbox.end_delays_of_clock_step(session)
            return len(await outbox.claim(session, limit=99))

    async with database.sessions.begin() as session:
        await session.execute(text("UPDATE outbox SET status = 'failed'"))
        await outbox.add(session, user_id=None, kind="payment_parked", payload={}, due_in=MINUTE)
        await outbox.add(
            session, user_id=None, kind="payment_parked", payload={}, due_in=5 * MINUTE
        )
    assert await due() == 0
    await database.as_owner(
        "UPDATE outbox SET due_at = due_at + interval '1 hour',"
        " created_at = created_at + interval '1 hour'"
    )
    assert await due() == 2
    assert await due() == 0, "a claim is kept"


async def test_late_answers_are_deleted_after_48_hours(database: Database) -> None:
    async with database.sessions.begin() as session:
        for kind in ("answer_lost", "switch_answer_lost", "withdrawal_paid"):
            for outcome in ("sent", "failed", "queued"):
                payload = {"text": f"{kind} {outcome}"}
                await outbox.add(session, user_id=None, kind=kind, payload=payload)
        await session.execute(
            text("UPDATE outbox SET status = 'failed' WHERE payload->>'text' LIKE '% failed'")
        )
        sent = await session.scalars(
            text("SELECT id FROM outbox WHERE payload->>'text' LIKE '% sent'")
        )
        await outbox.record_sent(session, dict.fromkeys(sent.all()))
    left = "SELECT count(*) FROM outbox WHERE payload ? 'text'"
    await database.forward(timedelta(hours=47, minutes=59))
    async with database.sessions.begin() as session:
        await outbox.purge_late_answers(session)
        assert await rows.one(session, left) == 9
    await database.forward(timedelta(minutes=2))
    async with database.sessions.begin() as session:
        await outbox.purge_late_answers(session)
        assert await rows.table(session, f"{left} AND kind LIKE '%lost'") == [(2,)]
        assert await rows.one(session, left) == 5


async def test_late_answers_are_found_by_an_index(database: Database) -> None:
    await database.as_owner(
        "INSERT INTO outbox (kind, payload) SELECT 'withdrawal_paid', '{}'"
        " FROM generate_series(1, 20000)"
    )
    await database.as_owner("ANALYZE outbox")
    sql = (ROOT / "db/functions/purge_late_answers.sql").read_text()
    delete = sql[sql.index("DELETE") : sql.rindex(";")]
    async with database.sessions.begin() as session:
        plan = await rows.table(session, f"EXPLAIN SELECT{delete.removeprefix('DELETE')}")
    assert "ix_outbox_answered" in str(plan)


async def test_messages_with_the_plan_for_an_empty_table_are_read_once(database: Database) -> None:
    """A plan with a join would read the chosen ids again for each of thousands of messages."""
    await database.as_owner("DELETE FROM outbox")
    await database.as_owner("VACUUM ANALYZE outbox")

    async def claim(session: AsyncSession) -> None:
        await outbox.claim(session, limit=9)
        await outbox.raise_old_cards(session)

    claims = [plan for plan in await plans_of(database, claim) if "Update on outbox" in plan]
    assert len(claims) == len(Priority) + 1
    for plan in claims:
        assert "Join" not in plan
        assert "Nested Loop" not in plan
