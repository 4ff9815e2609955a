"""Test that the inbox loses no update and handles no update two times."""

from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from services.platform import inbox, lanes
from tests.conftest import Database
from tests.factories import rows
from tests.factories.statements import plans_of


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
        (
            {"update_id": 1, "pre_checkout_query": {"id": "x", "from": {"id": 7}}},
            lanes.PRE_CHECKOUT_LANES + 7,
        ),
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
def test_the_lane_of_an_update_is_its_chat(update: dict[str, Any], lane: int) -> None:
    assert inbox.lane_of(update) == lane


async def test_updates_are_stored_once_and_claimed_in_order(session: AsyncSession) -> None:
    assert await inbox.store(session, []) == 0
    assert await inbox.store(session, [_message(12), _message(11), _message(12)]) == 2
    assert await inbox.store(session, [_message(11), _message(13)]) == 1
    assert await inbox.count_open(session) == 3
    taken = await inbox.claim(session, limit=2)
    assert [(row.update_id, row.lane, row.attempts) for row in taken] == [(12, 5, 1), (11, 5, 1)]
    rest = await inbox.claim(session, limit=9, exclude=[row.id for row in taken])
    assert [row.update_id for row in rest] == [13]


async def test_characters_that_the_database_cannot_store_are_removed(session: AsyncSession) -> None:
    strange = _message(1, words="a\0b\ud83dc🍞")
    assert await inbox.store(session, [strange, _message(2)]) == 2
    taken = await inbox.claim(session, limit=9)
    assert taken[0].payload is not None
    assert taken[0].payload["message"]["text"] == "ab\ufffdc🍞"


async def test_a_handled_update_loses_its_content_and_a_parked_one_keeps_it(
    session: AsyncSession,
) -> None:
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


async def test_an_update_that_is_claimed_too_often_is_parked(session: AsyncSession) -> None:
    await inbox.store(session, [_message(1)])
    for attempt in range(1, inbox.MAX_ATTEMPTS + 1):
        taken = await inbox.claim(session, limit=9)
        assert [row.attempts for row in taken] == [attempt]
    assert await inbox.claim(session, limit=9) == []
    await inbox.park_exhausted(session, exclude=[taken[0].id])
    assert await inbox.count_open(session) == 1
    await inbox.park_exhausted(session)
    assert await inbox.count_open(session) == 0
    assert await rows.one(session, "SELECT last_error FROM inbox") is not None


async def test_waiting_updates_of_the_staff_and_of_payers_are_seen(session: AsyncSession) -> None:
    assert await inbox.find_waiting(session, {5}) == inbox.Waiting(staff=False, pre_checkouts=False)
    query = {"update_id": 2, "pre_checkout_query": {"id": "1", "from": {"id": 7}}}
    await inbox.store(session, [_message(1, 5), query])
    assert await inbox.find_waiting(session, {5}) == inbox.Waiting(staff=True, pre_checkouts=True)
    assert await inbox.find_waiting(session, {6}) == inbox.Waiting(staff=False, pre_checkouts=True)
    for row in [
        *await inbox.claim(session, limit=9),
        *await inbox.claim_pre_checkouts(session, limit=9),
    ]:
        await inbox.mark_handled(session, row.id)
    assert await inbox.find_waiting(session, {5}) == inbox.Waiting(staff=False, pre_checkouts=False)


async def test_several_updates_are_marked_at_once_and_none_twice(session: AsyncSession) -> None:
    await inbox.store(session, [_message(number) for number in (1, 2, 3)])
    one, two, three = await inbox.claim(session, limit=9)
    await inbox.park(session, id=three.id, error="TypeError")
    await inbox.mark_all_handled(session, [(two.id, "second"), (one.id, None), (three.id, "third")])
    found = await rows.table(
        session,
        "SELECT done_at IS NOT NULL, payload IS NULL, correlation_id FROM inbox ORDER BY id",
    )
    assert found == [(True, True, None), (True, True, "second"), (False, False, None)]


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
            (6,),  # this update is a payment
        ]


async def test_only_the_last_parked_updates_are_kept(database: Database) -> None:
    await database.as_owner(
        "INSERT INTO inbox (update_id, lane, payload, failed_at) SELECT number, 0, CASE"
        " WHEN number <= 3 THEN '{\"message\": {\"successful_payment\": {}}}'::jsonb ELSE '{}' END,"
        " now() + number * interval '1 ms' FROM generate_series(1, 1050) number"
    )
    async with database.sessions.begin() as session:
        for _ in range(2):
            await inbox.purge(session)
            kept = "SELECT count(*), min(update_id) FROM inbox WHERE update_id > 3"
            assert await rows.table(session, kept) == [(1000, 51)]
            payments = "SELECT count(*) FROM inbox WHERE update_id <= 3"
            assert await rows.one(session, payments) == 3


async def test_a_chat_with_many_updates_delays_no_other_chat(session: AsyncSession) -> None:
    await inbox.store(session, [_message(number) for number in range(1, 31)])
    await inbox.store(session, [_message(99, chat_id=6)])
    taken = await inbox.claim(session, limit=20)
    assert [row.update_id for row in taken] == [1, 2, 3, 4, 5, 99]
    ids = [row.id for row in taken]
    assert await inbox.claim(session, limit=20, exclude=ids, full_lanes=[5]) == []
    more = await inbox.claim(session, limit=20, exclude=ids)
    assert [row.update_id for row in more] == [6, 7, 8, 9, 10]


def _query(number: int, person_id: int) -> dict[str, object]:
    return {"update_id": number, "pre_checkout_query": {"id": "x", "from": {"id": person_id}}}


async def test_the_staff_and_pre_checkout_queries_have_claims_of_their_own(
    session: AsyncSession,
) -> None:
    await inbox.store(session, [_message(1), _message(2, chat_id=-100), _query(3, 7)])
    [of_staff] = await inbox.claim_of_staff(session, limit=9, staff={-100})
    [query] = await inbox.claim_pre_checkouts(session, limit=9)
    [other] = await inbox.claim(session, limit=9, exclude={of_staff.id})
    assert (of_staff.update_id, query.update_id, other.update_id) == (2, 3, 1)


async def test_the_newest_pre_checkout_queries_are_claimed_first(session: AsyncSession) -> None:
    people = (7, 7, 8, 9)
    await inbox.store(session, [_query(number, person) for number, person in enumerate(people)])
    claimed = await inbox.claim_pre_checkouts(session, limit=2)
    assert [row.update_id for row in claimed] == [3, 2]
    claimed = await inbox.claim_pre_checkouts(session, limit=9, exclude={row.id for row in claimed})
    assert [row.update_id for row in claimed] == [0]


async def test_a_pre_checkout_query_that_telegram_no_longer_waits_for_is_ended(
    database: Database,
) -> None:
    async with database.sessions.begin() as session:
        await inbox.store(session, [_query(1, 7), _query(2, 7), _message(3)])
    await database.as_owner(
        "UPDATE inbox SET received_at = now() - interval '11 s' WHERE update_id <> 2"
    )
    async with database.sessions.begin() as session:
        [claimed] = await inbox.claim_pre_checkouts(session, limit=9)
        assert claimed.update_id == 2
        ended = "SELECT update_id FROM inbox WHERE done_at IS NOT NULL AND payload IS NULL"
        assert await rows.table(session, ended) == [(1,)]


async def test_a_claim_with_the_plan_for_an_empty_table_reads_the_table_once(
    database: Database,
) -> None:
    """A plan with a join would read the chosen ids again for each of thousands of updates."""
    await database.as_owner("VACUUM ANALYZE inbox")

    async def claim(session: AsyncSession) -> None:
        await inbox.claim(session, limit=9)
        await inbox.claim_of_staff(session, limit=9, staff={5})
        await inbox.claim_pre_checkouts(session, limit=9)

    claims = [plan for plan in await plans_of(database, claim) if "WindowAgg" in plan]
    assert len(claims) == 3
    for plan in claims:
        assert "Join" not in plan
        assert "Nested Loop" not in plan
