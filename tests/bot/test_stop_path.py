"""Test that a command can stop payouts while a database session holds locks."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

import asyncpg
import pytest
from sqlalchemy import make_url

from bot import inbox_worker
from db.models.users import Role
from sandbox import embedded
from tests.factories import open_transactions
from tests.handlers.marketplace import Marketplace

LIMIT = 8.0
"""The longest stop, in seconds: the holder of a lock would hold it for ever.

A busy machine takes seconds. `make bench-stop` and `make bench-flood` measure the wanted 2 seconds.
"""
STOP = "/killswitch stop payouts a test"
IS_RUNNING = "SELECT count(*) FROM running_switches WHERE key = 'payouts'"
ENDED = {
    "no update can be stored": "LOCK TABLE inbox IN SHARE ROW EXCLUSIVE MODE",
    "no update can be claimed": "LOCK TABLE inbox IN ACCESS EXCLUSIVE MODE",
    "the staff cannot be read": "LOCK TABLE user_roles IN ACCESS EXCLUSIVE MODE",
    "no person can be read": "ALTER TABLE users ADD COLUMN later text",
    "the admin chat cannot be read": "LOCK TABLE moved_chats IN ACCESS EXCLUSIVE MODE",
    "no switch can be read": "LOCK TABLE kill_switches IN ACCESS EXCLUSIVE MODE",
    "no stop can be settled": "LOCK TABLE kill_switches IN SHARE ROW EXCLUSIVE MODE",
    "no stop can be written": "LOCK TABLE switch_stops IN EXCLUSIVE MODE",
    "no incident can be read": "LOCK TABLE incidents IN ACCESS EXCLUSIVE MODE",
    "no audit row can be written": "CREATE INDEX later ON user_audit_logs (id)",
    "no alarm can be written": "LOCK TABLE outbox IN SHARE MODE",
}
NAMED = {
    "the switch's lock": "SELECT pg_advisory_xact_lock_shared(7001, hashtext('payouts'))",
    "the switch's row": "SELECT FROM kill_switches FOR UPDATE",
}
"""The locks whose holder is named in the answer."""
HARMLESS = {
    "the operator's row": "SELECT FROM users FOR UPDATE",
    "the roles": "SELECT FROM user_roles FOR UPDATE",
    "the posts": "LOCK TABLE post_jobs IN SHARE MODE",
}


@dataclass
class Staffed(Marketplace):
    """A marketplace with an operator who has already stopped a switch."""

    usual_seconds: float = 0.0
    """The time until the answer to a stop while no session holds anything."""


@pytest.fixture
async def staffed(market: Marketplace) -> Staffed:
    await market.employ("admin", Role.OPERATOR)
    await market.say("admin", "/killswitch", where="group")
    staffed = Staffed(**vars(market))
    _, staffed.usual_seconds = await answer_to_stop(
        staffed, words="/killswitch stop adjustments first"
    )
    return staffed


@pytest.fixture
async def hung(staffed: Staffed) -> AsyncIterator[asyncpg.Connection]:
    """Yield a session of the database's owner with an open transaction."""
    async with open_transactions.opened(staffed.database.owner_url) as connection:
        yield connection


async def answer_to_stop(
    market: Staffed, who: str = "admin", *, words: str = STOP
) -> tuple[str, float]:
    """Let a person send a stop. Return the bot's answer, and by how many seconds it is late."""
    before = len(await market.messages("group")) + 1
    began = time.monotonic()
    await market.world.control(
        f"users/{market.chat(who)}/send", chat_id=market.chat("group"), text=words
    )
    async with asyncio.timeout(20):
        while len(await market.messages("group")) <= before:
            await asyncio.sleep(0.02)
    late = time.monotonic() - began - market.usual_seconds
    return await market.last("group"), late


@pytest.mark.parametrize("hold", ENDED)
async def test_a_session_that_locks_a_table_is_ended_for_a_stop(
    staffed: Staffed, hung: asyncpg.Connection, hold: str
) -> None:
    await hung.execute(ENDED[hold])
    staffed.worker._claims._read_facts_at = 0.0  # so that the next claim reads the admin chat
    answer, seconds = await answer_to_stop(staffed)
    assert "payouts is STOPPED" in answer
    assert "NOT" not in answer
    assert seconds < LIMIT
    assert await staffed.value(IS_RUNNING) == 0
    with pytest.raises(open_transactions.ENDED):
        await hung.execute("SELECT 1")


@pytest.mark.parametrize("hold", NAMED)
@pytest.mark.parametrize("words", [STOP, "/STOP"])
async def test_a_session_that_holds_a_switch_is_ended_and_named(
    staffed: Staffed, hung: asyncpg.Connection, hold: str, words: str
) -> None:
    pid = hung.get_server_pid()
    await hung.execute(NAMED[hold])
    answer, seconds = await answer_to_stop(staffed, words=words)
    assert "STOPPED" in answer
    assert f"was ended: login {embedded.OWNER}" in answer
    assert f"process {pid}" in answer
    assert seconds < LIMIT
    assert await staffed.value(IS_RUNNING) == 0


async def test_a_superusers_session_that_holds_a_switch_is_named(
    staffed: Staffed, server: embedded.Postgres
) -> None:
    name = make_url(staffed.database.url).database
    superuser = await asyncpg.connect(server.dsn(embedded.SUPERUSER, str(name)))
    try:
        await superuser.execute("BEGIN")
        await superuser.execute(NAMED["the switch's lock"])
        answer, seconds = await answer_to_stop(staffed)
    finally:
        await superuser.close()
    assert "payouts is STOPPED" in answer
    assert "may still be under way" in answer
    assert "SELECT pg_terminate_backend(" in answer
    assert seconds < LIMIT
    assert await staffed.value(IS_RUNNING) == 0


@pytest.mark.parametrize("hold", HARMLESS)
async def test_a_session_that_does_not_hold_up_a_stop_is_not_ended(
    staffed: Staffed, hung: asyncpg.Connection, hold: str
) -> None:
    await staffed.database.as_owner("UPDATE users SET language = 'ru'")  # its own language is new
    await hung.execute(HARMLESS[hold])
    _, seconds = await answer_to_stop(staffed)
    assert seconds < LIMIT
    assert await staffed.value(IS_RUNNING) == 0
    await asyncio.sleep(2 * inbox_worker.POLL_SECONDS)
    assert await hung.fetchval("SELECT 1") == 1


async def test_a_session_that_waits_for_a_table_is_ended_too(
    staffed: Staffed, hung: asyncpg.Connection
) -> None:
    """Check that the bot ends only the session that blocks the stop."""
    await hung.execute("SELECT count(*) FROM kill_switches")
    migration = await asyncpg.connect(staffed.database.owner_url)
    waiting = asyncio.create_task(migration.execute("ALTER TABLE kill_switches ADD later text"))
    await asyncio.sleep(0.2)
    answer, seconds = await answer_to_stop(staffed)
    assert "payouts is STOPPED" in answer
    assert seconds < LIMIT
    with pytest.raises(open_transactions.ENDED):
        await waiting
    assert await hung.fetchval("SELECT 1") == 1


async def test_the_admin_chat_is_told_if_a_superuser_holds_a_stop_up(
    staffed: Staffed, server: embedded.Postgres
) -> None:
    name = make_url(staffed.database.url).database
    superuser = await asyncpg.connect(server.dsn(embedded.SUPERUSER, str(name)))
    await superuser.execute("BEGIN; LOCK TABLE switch_stops IN EXCLUSIVE MODE")
    answer, seconds = await answer_to_stop(staffed)
    assert "NOT stopped yet" in answer
    assert seconds < LIMIT
    assert await superuser.fetchval(IS_RUNNING) == 1
    await superuser.close()
    await staffed.settle()
    assert "payouts is STOPPED" in await staffed.last("group")
    assert await staffed.value(IS_RUNNING) == 0


async def test_a_stop_of_somebody_without_a_role_ends_no_session(
    staffed: Staffed, hung: asyncpg.Connection
) -> None:
    await staffed.world.control(
        f"chats/{staffed.chat('group')}/members", user_id=staffed.chat("owner"), status="member"
    )
    await hung.execute(ENDED["no stop can be written"])
    await staffed.say("owner", STOP, where="group")
    await asyncio.sleep(1)
    assert await hung.fetchval("SELECT 1") == 1
    assert await staffed.value(IS_RUNNING) == 1


async def test_acts_of_the_staff_that_hang_leave_room_for_a_stop(staffed: Staffed) -> None:
    for _ in range(inbox_worker.STAFF_HANDLERS):
        await staffed.worker._staff_slots.acquire()
    answer, seconds = await answer_to_stop(staffed)
    assert "payouts is STOPPED" in answer
    assert seconds < LIMIT
    for _ in range(inbox_worker.STAFF_HANDLERS):
        staffed.worker._staff_slots.release()
