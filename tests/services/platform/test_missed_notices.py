"""Test that messages which did not arrive are summed up once their person is back."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.platform import missed_notices, outbox
from tests.factories import people, rows

WAITING = "SELECT id, payload->'ids' FROM outbox WHERE kind = 'missed_notices' ORDER BY id"


async def _give_up(
    session: AsyncSession,
    user_id: int | None,
    *,
    kind: str = "deposit_credited",
    error: str = "blocked",
    again: timedelta | None = None,
) -> int:
    """Queue a message, record that it did not arrive, and return its id."""
    await outbox.add(session, user_id=user_id, kind=kind, payload={"amount": 5})
    message_id = int(await rows.one(session, "SELECT max(id) FROM outbox"))
    await outbox.record_failed(session, id=message_id, error=error, retry_in=again)
    return message_id


async def _missed(session: AsyncSession) -> list[int]:
    found = await rows.table(
        session, "SELECT id FROM outbox WHERE missed_at IS NOT NULL ORDER BY id"
    )
    return [row[0] for row in found]


async def _misses(session: AsyncSession, user_id: int) -> bool:
    return bool(
        await rows.one(
            session, "SELECT missed_at IS NOT NULL FROM users WHERE id = :id", id=user_id
        )
    )


async def test_what_a_person_missed_is_summed_up_once(session: AsyncSession) -> None:
    user_id = (await people.person(session)).user_id or 0
    other_id = (await people.person(session)).user_id or 0
    missed = [await _give_up(session, user_id), await _give_up(session, user_id, kind="loss_open")]
    of_other = await _give_up(session, other_id)
    assert await _missed(session) == [*missed, of_other]
    assert await _misses(session, user_id)
    await missed_notices.queue_summary(session, user_id)
    assert not await _misses(session, user_id)
    assert await _misses(session, other_id)
    await missed_notices.queue_summary(session, user_id)
    [(summary_id, ids)] = await rows.table(session, WAITING)
    assert ids == missed
    assert [row.id for row in await missed_notices.list_missed(session, ids)] == missed
    await outbox.record_sent(session, {summary_id: 7})
    assert await _missed(session) == [of_other]
    assert await missed_notices.list_missed(session, ids) == []
    await missed_notices.queue_summary(session, user_id)
    assert len(await rows.table(session, WAITING)) == 1


async def test_only_the_newest_are_named(
    session: AsyncSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(missed_notices, "MOST", 2)
    user_id = (await people.person(session)).user_id or 0
    missed = [await _give_up(session, user_id) for _ in range(3)]
    await missed_notices.queue_summary(session, user_id)
    [(_, ids)] = await rows.table(session, WAITING)
    assert ids == missed[1:]


async def test_a_summary_that_does_not_arrive_comes_at_the_next_return(
    session: AsyncSession,
) -> None:
    user_id = (await people.person(session)).user_id or 0
    first = await _give_up(session, user_id)
    await missed_notices.queue_summary(session, user_id)
    [(summary_id, _)] = await rows.table(session, WAITING)
    await outbox.record_failed(session, id=summary_id, error="blocked", retry_in=None)
    assert await _missed(session) == [first]
    assert await _misses(session, user_id)
    second = await _give_up(session, user_id)
    await missed_notices.queue_summary(session, user_id)
    assert (await rows.table(session, WAITING))[-1][1] == [first, second]


@pytest.mark.parametrize(
    ("kind", "error", "again"),
    [
        ("deposit_credited", "busy", timedelta(seconds=1)),
        ("deposit_credited", outbox.TAKEN_BACK, None),
        ("answer_lost", "blocked", None),
        ("switch_answer_lost", "blocked", None),
    ],
)
async def test_what_comes_later_or_is_void_is_not_missed(
    session: AsyncSession, kind: str, error: str, again: timedelta | None
) -> None:
    user_id = (await people.person(session)).user_id or 0
    await _give_up(session, user_id, kind=kind, error=error, again=again)
    await _give_up(session, None)  # the admin chat
    assert await _missed(session) == []
    assert not await _misses(session, user_id)


async def test_a_late_failure_does_not_lose_what_was_sent(session: AsyncSession) -> None:
    user_id = (await people.person(session)).user_id or 0
    await outbox.add(session, user_id=user_id, kind="deposit_credited", payload={"amount": 5})
    message_id = int(await rows.one(session, "SELECT max(id) FROM outbox"))
    await outbox.record_sent(session, {message_id: 7})
    await outbox.record_failed(session, id=message_id, error="slow", retry_in=None)
    assert await _missed(session) == []
    assert not await _misses(session, user_id)


async def test_missed_messages_are_found_by_their_index(session: AsyncSession) -> None:
    await session.execute(text("SET LOCAL enable_seqscan = off"))
    plan = await rows.table(
        session,
        "EXPLAIN SELECT id FROM outbox WHERE user_id = 1 AND missed_at IS NOT NULL"
        " ORDER BY id DESC LIMIT 500",
    )
    assert "ix_outbox_missed" in str(plan)
