"""The inbox and the outbox: nothing lost, nothing handled twice, nothing stuck for ever."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.operations import OutboxMessage
from db.models.users import Role
from services.market import placement_expiry
from services.money import deposits, stuck_escrows
from services.platform import chat_migrations, errors, inbox, outbox
from services.posts import rescue
from tests.conftest import Database
from tests.factories import people, rows

MINUTE = timedelta(minutes=1)


def _message(update_id: int, chat_id: int = 5, words: str = "hello") -> dict[str, Any]:
    return {
        "update_id": update_id,
        "message": {"message_id": 1, "chat": {"id": chat_id}, "text": words},
    }


@pytest.mark.parametrize(
    ("update", "lane"),
    [
        (_message(1, chat_id=-100), -100),
        (
            {"update_id": 1, "callback_query": {"from": {"id": 7}, "message": {"chat": {"id": 8}}}},
            8,
        ),
        ({"update_id": 1, "callback_query": {"from": {"id": 7}, "inline_message_id": "x"}}, 7),
        ({"update_id": 1, "pre_checkout_query": {"id": "x", "from": {"id": 7}}}, 7),
        ({"update_id": 1, "my_chat_member": {"chat": {"id": -9}, "from": {"id": 7}}}, -9),
        ({"update_id": 1, "business_connection": {"id": "x", "user": {"id": 6}}}, 6),
        ({"update_id": 1, "poll": {"id": "5"}}, 0),
        ({"update_id": 1}, 0),
        ({"update_id": 1, "message": "text"}, 0),
        ({"update_id": 1, "callback_query": {"message": "text", "from": {"id": 7}}}, 7),
        ({"update_id": 1, "message": {"chat": "text", "from": ["x"]}}, 0),
        ({"update_id": 1, "message": {"chat": {"id": "text"}}}, 0),
    ],
)
def test_the_lane_of_an_update(update: dict[str, Any], lane: int) -> None:
    assert inbox.lane_of(update) == lane


async def test_updates_are_stored_once_and_taken_in_order(session: AsyncSession) -> None:
    assert await inbox.store(session, []) == 0
    assert await inbox.store(session, [_message(12), _message(11), _message(12)]) == 2
    assert await inbox.store(session, [_message(11), _message(13)]) == 1
    assert await inbox.count_open(session) == 3
    taken = await inbox.claim(session, limit=2)
    assert [(row.update_id, row.lane, row.attempts) for row in taken] == [(12, 5, 1), (11, 5, 1)]
    rest = await inbox.claim(session, limit=9, exclude=[row.id for row in taken])
    assert [row.update_id for row in rest] == [13]


async def test_characters_that_the_database_cannot_keep(session: AsyncSession) -> None:
    strange = _message(1, words="a\0b\ud83dc🍞")
    assert await inbox.store(session, [strange, _message(2)]) == 2
    taken = await inbox.claim(session, limit=9)
    assert taken[0].payload is not None
    assert taken[0].payload["message"]["text"] == "ab\ufffdc🍞"


async def test_done_empties_and_failed_keeps(session: AsyncSession) -> None:
    await inbox.store(session, [_message(1), _message(2), _message(3)])
    one, two, _ = await inbox.claim(session, limit=9)
    assert await inbox.mark_handled(session, one.id)
    assert not await inbox.mark_handled(session, one.id)
    await inbox.park(session, id=two.id, error="TypeError")
    assert not await inbox.mark_handled(session, two.id)
    assert await inbox.count_open(session) == 1
    assert await rows.table(
        session,
        "SELECT payload IS NULL, done_at IS NULL, failed_at IS NULL, last_error FROM inbox"
        " ORDER BY id",
    ) == [
        (True, False, True, None),
        (False, True, False, "TypeError"),
        (False, True, True, None),
    ]


async def test_an_update_that_never_ends_is_parked(session: AsyncSession) -> None:
    await inbox.store(session, [_message(1)])
    for attempt in range(1, inbox.MAX_ATTEMPTS + 1):
        taken = await inbox.claim(session, limit=9)
        assert [row.attempts for row in taken] == [attempt]
    assert await inbox.claim(session, limit=9) == []
    assert await inbox.count_open(session) == 0
    assert await rows.one(session, "SELECT last_error FROM inbox") is not None


async def test_a_payment_that_cannot_be_handled_is_told_and_retried(session: AsyncSession) -> None:
    paid = {"update_id": 1, "message": {"chat": {"id": 7}, "successful_payment": {}}}
    await inbox.store(session, [paid, _message(2)])
    for row in await inbox.claim(session, limit=9):
        await inbox.park(session, id=row.id, error="TypeError")
    [parked] = await inbox.parked_payments(session, limit=9)
    told = "SELECT user_id, payload->>'inbox_id' FROM outbox WHERE kind = 'payment_parked'"
    assert await rows.table(session, told) == [(None, str(parked.id))]
    operator = await people.staff(session, Role.OPERATOR)
    with pytest.raises(errors.AccessDenied):
        await inbox.retry_payment(
            session, actor=await people.staff(session, Role.ADMIN), inbox_id=parked.id
        )
    with pytest.raises(errors.NotFound):
        await inbox.retry_payment(session, actor=operator, inbox_id=parked.id + 1)
    await inbox.retry_payment(session, actor=operator, inbox_id=parked.id)
    with pytest.raises(errors.NotFound):
        await inbox.retry_payment(session, actor=operator, inbox_id=parked.id)
    [again] = await inbox.claim(session, limit=9)
    assert (again.id, again.attempts) == (parked.id, 1)


async def test_old_updates_are_deleted(database: Database) -> None:
    async with database.sessions.begin() as session:
        await inbox.store(session, [_message(number) for number in range(1, 6)])
        old = {"update_id": 6, "message": {"chat": {"id": 7}, "successful_payment": {}}}
        await inbox.store(session, [old])
        taken = await inbox.claim(session, limit=9)
        for row in taken[:2]:
            await inbox.mark_handled(session, row.id)
        for row in (taken[2], taken[3], taken[5]):
            await inbox.park(session, id=row.id, error="x")
    await database.as_owner(
        "UPDATE inbox SET done_at = done_at - interval '49 hours' WHERE update_id = 1"
    )
    await database.as_owner(
        "UPDATE inbox SET failed_at = failed_at - interval '31 days' WHERE update_id IN (3, 6)"
    )
    async with database.sessions.begin() as session:
        await inbox.purge(session)
        assert await rows.table(session, "SELECT update_id FROM inbox ORDER BY 1") == [
            (2,),
            (4,),
            (5,),
            (6,),  # a payment
        ]


async def _owe(session: AsyncSession, key: str | None = None) -> None:
    await outbox.add(session, user_id=None, kind="switch_changed", payload={"n": 1}, key=key)


async def test_a_message_with_a_key_is_owed_once(session: AsyncSession) -> None:
    await session.execute(text("UPDATE outbox SET status = 'failed'"))
    for _ in range(2):
        await _owe(session, "once")
        await _owe(session)
    assert len(await outbox.claim(session, limit=9)) == 3


async def test_a_taken_message_is_leased(database: Database) -> None:
    async def take() -> list[OutboxMessage]:
        async with database.sessions.begin() as session:
            return list(await outbox.claim(session, limit=99))

    async with database.sessions.begin() as session:
        await session.execute(text("UPDATE outbox SET status = 'failed'"))
        await _owe(session)
    first = await take()
    assert [message.attempts for message in first] == [1]
    assert await take() == []
    # Its process died: after the lease another one sends it.
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
async def test_what_has_ended_stays_so(session: AsyncSession, *, arrived: bool) -> None:
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


async def test_a_group_that_moved_is_followed(session: AsyncSession) -> None:
    assert await chat_migrations.current_chat_id(session, -1) == -1
    await chat_migrations.record_migration(session, old_chat_id=-1, new_chat_id=-2)
    await chat_migrations.record_migration(session, old_chat_id=-2, new_chat_id=-3)
    assert await chat_migrations.current_chat_id(session, -1) == -3
    await chat_migrations.record_migration(session, old_chat_id=-1, new_chat_id=-5)
    assert await chat_migrations.current_chat_id(session, -1) == -5
    await chat_migrations.record_migration(
        session, old_chat_id=-5, new_chat_id=-1
    )  # a circle ends too
    assert await chat_migrations.current_chat_id(session, -1) in {-1, -5}


async def test_a_target_of_nobody_is_no_work(session: AsyncSession) -> None:
    assert await stuck_escrows.refund_stuck_escrows(session) == 0
    assert await placement_expiry.expire_targets(session) == 0
    assert await deposits.credit_due(session) == 0
    assert await rescue.rescue_abandoned(session) == 0
