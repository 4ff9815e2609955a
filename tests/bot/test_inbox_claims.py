"""Test which rows a process claims, and when it may claim more."""

import pytest

from bot import inbox_claims
from bot.admin_chat import AdminChat
from bot.inbox_claims import InboxClaims
from db.models.users import Role, User
from services.platform import inbox, lanes
from tests.conftest import Database
from tests.factories import people

ADMIN_CHAT = -100


def _message(update_id: int, chat_id: int) -> dict[str, object]:
    return {"update_id": update_id, "message": {"chat": {"id": chat_id}, "text": "hello"}}


async def test_a_full_lane_leaves_rows_for_the_next_claim(database: Database) -> None:
    claims = InboxClaims(database.sessions, AdminChat(ADMIN_CHAT, database.sessions))
    async with database.sessions.begin() as session:
        await inbox.store(session, [_message(n, 5) for n in range(inbox.PER_LANE + 1)])
        await inbox.store(session, [_message(100, 6), _message(101, ADMIN_CHAT)])
    rows = await claims.claim()
    assert sorted(row.lane for row in rows) == [ADMIN_CHAT, *[5] * inbox.PER_LANE, 6]
    assert claims
    assert ADMIN_CHAT in claims.staff_lanes
    assert claims.may_be_more(5)
    assert not claims.may_be_more(6)
    assert await claims.claim() == []
    done = next(row.id for row in rows if row.lane == 5)
    async with database.sessions.begin() as session:
        await inbox.mark_all_handled(session, [(done, None)])
    claims.forget([done])
    assert [row.lane for row in await claims.claim()] == [5]


async def test_a_claim_of_all_is_followed_by_one_of_many(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a claim of all that may be claimed, the next one waits until some rows have ended."""
    monkeypatch.setattr(inbox_claims, "IN_FLIGHT", 4)
    monkeypatch.setattr(inbox_claims, "REFILL", 2)
    claims = InboxClaims(database.sessions, AdminChat(ADMIN_CHAT, database.sessions))
    async with database.sessions.begin() as session:
        await inbox.store(session, [_message(n, n) for n in range(1, 7)])
    rows = await claims.claim()
    assert [row.lane for row in rows] == [1, 2, 3, 4]
    assert not claims.should_claim([7])
    assert claims.should_claim([7, ADMIN_CHAT])
    assert claims.should_claim([lanes.SWITCH_LANES + 7])
    claims.forget([rows[0].id])
    assert not claims.may_be_more(1)
    claims.forget([rows[1].id])
    assert claims.may_be_more(2)
    assert claims.should_claim([7])
    async with database.sessions.begin() as session:
        await inbox.mark_all_handled(session, [(row.id, None) for row in rows[:2]])
    assert [row.lane for row in await claims.claim()] == [5, 6]


async def test_a_query_of_a_payer_leaves_the_payers_next_one(database: Database) -> None:
    claims = InboxClaims(database.sessions, AdminChat(ADMIN_CHAT, database.sessions))
    queries = [
        {"update_id": n, "pre_checkout_query": {"id": str(n), "from": {"id": 7}}} for n in (1, 2)
    ]
    async with database.sessions.begin() as session:
        await inbox.store(session, queries)
    [first] = await claims.claim()
    assert claims.may_be_more(first.lane)
    claims.forget([first.id])
    assert not claims


async def test_who_has_just_become_staff_may_stop_switches(database: Database) -> None:
    """Check that the first command about switches makes the process read the staff again."""
    claims = InboxClaims(database.sessions, AdminChat(ADMIN_CHAT, database.sessions))
    await claims.claim()
    async with database.sessions.begin() as session:
        operator = await people.staff(session, Role.OPERATOR)
        person = await session.get_one(User, operator.user_id)
        telegram_id = person.telegram_id
        chat = {"id": ADMIN_CHAT, "type": "supergroup"}
        message = {"chat": chat, "from": {"id": telegram_id}, "text": "/killswitch"}
        await inbox.store(session, [{"update_id": 1, "message": message}])
    lane = lanes.SWITCH_LANES + telegram_id
    assert lane not in claims.staff_lanes
    assert [row.lane for row in await claims.claim()] == [lane]
    assert lane in claims.staff_lanes
