"""Test that one transaction stops every kill switch, also while other sessions hold locks."""

import asyncio
import time
from collections.abc import AsyncIterator

import asyncpg
import pytest

from bot import switches
from db.models.operations import Switch
from db.models.users import Role
from sandbox import embedded
from services.money import escrow
from services.platform import errors, killswitches
from services.platform.actors import SYSTEM, Actor
from services.platform.killswitches import StopOfAll
from tests.conftest import Database
from tests.factories import open_transactions, people, rows

LIMIT = 2.0
"""The time limit for a stop of everything, in seconds."""
HOLDS = {
    "one switch's lock": "SELECT pg_advisory_xact_lock_shared(7001, hashtext('payouts'))",
    "all switches' locks": (
        "SELECT pg_advisory_lock(7001, hashtext(key::text)) FROM kill_switches"
    ),
    "a lock of a session without a transaction": (
        "SELECT pg_advisory_lock(7001, hashtext('payouts')); COMMIT"
    ),
    "the operator's row": "SELECT FROM users FOR UPDATE",
    "all wallets, after a switch's lock": (
        "SELECT pg_advisory_xact_lock_shared(7001, hashtext('payouts')), lock_wallet(id)"
        " FROM wallets"
    ),
    "another stop of everything": "SELECT stop_all_switches(NULL, 'system', 'x', NULL)",
    "another settling": "SELECT settle_stops('{payouts}'), pg_advisory_xact_lock(7006)",
}
OWNERS = {
    "the switches' rows": "SELECT FROM kill_switches FOR UPDATE",
    "a switch's lock": "SELECT pg_advisory_xact_lock_shared(7001, hashtext('refunds'))",
    "the whole table": "LOCK TABLE kill_switches IN SHARE MODE",
}


@pytest.fixture
async def owner(database: Database) -> AsyncIterator[asyncpg.Connection]:
    """Yield a session of the tables' owner with an open transaction."""
    async with open_transactions.opened(database.owner_url) as connection:
        yield connection


async def _operator(database: Database) -> Actor:
    async with database.sessions.begin() as session:
        return await people.staff(session, Role.OPERATOR)


async def _stop(database: Database, actor: Actor, reason: str = "drill") -> StopOfAll:
    async with database.sessions.begin() as session:
        stop = await killswitches.stop_all(session, actor=actor, reason=reason)
    return await switches.settle_all_despite_locks(database.sessions, stop)


async def _running(database: Database) -> list[Switch]:
    async with database.sessions.begin() as session:
        return [state.key for state in await killswitches.overview(session) if state.enabled]


async def test_everything_is_stopped_with_an_audit_row_each_and_one_alarm(
    database: Database,
) -> None:
    operator = await _operator(database)
    async with database.sessions.begin() as session:
        await people.stop(session, Switch.REFUNDS)
        await people.approved(session)
        await people.claimed(session)
        before = await rows.snapshot(session)
    stop = await _stop(database, operator)
    assert stop.stopped == tuple(key for key in Switch if key is not Switch.REFUNDS)
    assert [state.key for state in stop.before] == [Switch.REFUNDS]
    assert (stop.sends_under_way, stop.unsettled, stop.holders) == (1, (), ())
    assert await _running(database) == []
    async with database.sessions.begin() as session:
        after = await rows.snapshot(session)
        assert rows.grown(before, after) == {"outbox": 1, "user_audit_logs": len(Switch) - 1}
        assert await rows.table(
            session,
            "SELECT DISTINCT action, role, metadata ->> 'reason' FROM user_audit_logs"
            " WHERE user_id = :id",
            id=operator.user_id,
        ) == [("kill_switch_stopped", "operator", "drill")]
        again = await killswitches.stop_all(session, actor=operator, reason="again")
        assert (again.stopped, len(again.before)) == ((), len(Switch))
        assert again.before[0].reason == "drill"
        assert await rows.snapshot(session) == after


@pytest.mark.parametrize("reason", ["", "   "])
async def test_a_missing_reason_does_not_delay_a_stop(database: Database, reason: str) -> None:
    await _stop(database, SYSTEM, reason)
    async with database.sessions.begin() as session:
        reasons = {state.reason for state in await killswitches.overview(session)}
    assert reasons == {killswitches.NO_REASON}


async def test_others_stop_nothing(database: Database) -> None:
    operator = await _operator(database)
    async with database.sessions.begin() as session:
        nobody, admin = await people.person(session), await people.staff(session, Role.ADMIN)
        forged = Actor(nobody.user_id, frozenset({Role.OPERATOR}), in_admin_chat=True)
    async with database.sessions.begin() as session:
        before = await rows.snapshot(session)
    for actor in (Actor(operator.user_id, operator.roles), nobody, admin, forged):
        with pytest.raises(errors.AccessDenied):
            await _stop(database, actor)
    async with database.sessions.begin() as session:
        assert await rows.snapshot(session) == before
    assert await _running(database) == list(Switch)


@pytest.mark.parametrize("hold", HOLDS)
async def test_everything_is_stopped_in_time_whatever_a_session_holds(
    database: Database, hung: asyncpg.Connection, hold: str
) -> None:
    operator = await _operator(database)
    async with database.sessions.begin() as session:
        deal = await people.posted(session, promised_hours=0)
    await hung.execute(HOLDS[hold])
    began = time.monotonic()
    stop = await _stop(database, operator)
    assert time.monotonic() - began < LIMIT
    assert stop.unsettled == ()
    assert all(holder.ended and holder.seconds >= 0 for holder in stop.holders)
    assert await _running(database) == []
    hung.terminate()
    with pytest.raises(errors.SwitchStopped):
        async with database.sessions.begin() as session:
            await escrow.release(session, target_id=deal.target.id)
    async with database.sessions.begin() as session:
        assert not await rows.one(session, "SELECT count(*) FROM switch_stops")
        settled = "SELECT count(*) FROM kill_switches WHERE NOT enabled AND reason = 'drill'"
        assert await rows.one(session, settled) == len(Switch)


@pytest.mark.parametrize("hold", OWNERS)
async def test_a_session_of_the_owner_is_ended_and_named(
    database: Database, owner: asyncpg.Connection, hold: str
) -> None:
    pid = owner.get_server_pid()
    await owner.execute("SET application_name = 'a migration'")
    await owner.execute(OWNERS[hold])
    stop = await _stop(database, SYSTEM)
    assert (await _running(database), stop.unsettled) == ([], ())
    if "TABLE" not in OWNERS[hold]:
        [holder] = stop.holders
        assert (holder.pid, holder.login) == (pid, embedded.OWNER)
        assert (holder.program, holder.ended) == ("a migration", True)
        assert holder.seconds > 0
    with pytest.raises(open_transactions.ENDED):
        await owner.execute("COMMIT")


async def test_a_superusers_session_is_named_and_delays_only_its_switch(
    database: Database, superuser: asyncpg.Connection
) -> None:
    await superuser.execute(HOLDS["one switch's lock"])
    began = time.monotonic()
    stop = await _stop(database, SYSTEM)
    assert time.monotonic() - began < LIMIT
    assert stop.unsettled == (Switch.PAYOUTS,)
    [holder] = stop.holders
    assert (holder.login, holder.ended) == (embedded.SUPERUSER, False)
    assert await _running(database) == []


async def test_a_session_that_the_owner_may_not_end_delays_only_its_switch(
    database: Database, server: embedded.Postgres, hung: asyncpg.Connection
) -> None:
    """Check a hoster that gives nobody the membership in pg_signal_backend."""
    await hung.execute(HOLDS["one switch's lock"])
    superuser = await asyncpg.connect(server.dsn(embedded.SUPERUSER, "postgres"))
    try:
        await superuser.execute(f"REVOKE pg_signal_backend FROM {embedded.OWNER}")
        stop = await _stop(database, SYSTEM)
        assert await _running(database) == []
        assert stop.unsettled == (Switch.PAYOUTS,)
        [holder] = stop.holders
        assert (holder.login, holder.ended) == (embedded.APP, False)
    finally:
        await superuser.execute(f"GRANT pg_signal_backend TO {embedded.OWNER}")
        await superuser.close()


async def test_a_settled_switch_is_not_called_unsettled_because_of_a_later_stop(
    database: Database, superuser: asyncpg.Connection
) -> None:
    async with database.sessions.begin() as session:
        await people.stop(session, Switch.PAYOUTS)
    await database.as_owner("INSERT INTO switch_stops (key, reason) VALUES ('payouts', 'x')")
    await superuser.execute(HOLDS["one switch's lock"])
    assert (await _stop(database, SYSTEM)).unsettled == ()


async def test_stops_are_saved_although_a_superuser_settles_for_ever(
    database: Database, superuser: asyncpg.Connection
) -> None:
    await superuser.execute("SELECT pg_advisory_xact_lock(7006)")
    stop = await _stop(database, SYSTEM)
    assert stop.unsettled == tuple(Switch)
    assert await _running(database) == []


async def test_the_previous_release_settles_one_switch(
    database: Database, superuser: asyncpg.Connection
) -> None:
    app = await asyncpg.connect(database.url)
    await app.execute("SELECT stop_switch('payouts', NULL, 'system', 'x', NULL)")
    assert await app.fetchval("SELECT settle_stop('payouts')") == 0
    assert not await app.fetchval("SELECT enabled FROM kill_switches WHERE key = 'payouts'")
    await database.as_owner("INSERT INTO switch_stops (key, reason) VALUES ('payouts', 'x')")
    await superuser.execute(HOLDS["one switch's lock"])
    assert await app.fetchval("SELECT settle_stop('payouts')") == 0
    await database.as_owner("UPDATE kill_switches SET enabled = true")
    with pytest.raises(asyncpg.LockNotAvailableError):
        await app.fetchval("SELECT settle_stop('payouts')")
    await app.close()


async def test_two_stops_at_once_end_no_session_of_each_other(
    database: Database, owner: asyncpg.Connection
) -> None:
    await owner.execute(OWNERS["a switch's lock"])
    stops = await asyncio.gather(*(_stop(database, SYSTEM) for _ in range(3)))
    assert all(stop.unsettled == () for stop in stops)
    assert {holder.login for stop in stops for holder in stop.holders} == {embedded.OWNER}
    async with database.sessions.begin() as session:
        assert not await rows.one(session, "SELECT count(*) FROM switch_stops")
