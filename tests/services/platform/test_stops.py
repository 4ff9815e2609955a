"""Test that kill switches are stopped quickly while other database sessions hold locks."""

import time

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from bot import switches
from db.models.operations import Switch
from db.models.users import Role
from db.session import is_away
from scheduler import watchdogs
from services.money import escrow, incidents
from services.money.invariants import Violation
from services.platform import errors, killswitches
from services.platform.actors import SYSTEM
from tests.conftest import Database
from tests.factories import open_transactions, people, rows

LIMIT = 1.0
"""The time limit for a stop, in seconds."""
MONEY = frozenset(killswitches.FROZEN_BY_INCIDENT)
VIOLATION = Violation("wallet_balance", "broken on purpose", [{"ref": 1}])


async def _shared_lock(connection: asyncpg.Connection, key: Switch) -> None:
    await connection.execute(
        "SELECT pg_advisory_xact_lock_shared($1, hashtext($2))", killswitches.LOCK_SPACE, key.value
    )


async def _states(database: Database) -> dict[Switch, bool]:
    async with database.sessions.begin() as session:
        return {state.key: state.enabled for state in await killswitches.overview(session)}


HOLDS = {
    "the switch's lock, shared": ("SELECT pg_advisory_xact_lock_shared(7001, hashtext('payouts'))"),
    "the switch's lock, alone": "SELECT pg_advisory_lock(7001, hashtext('payouts'))",
    "the run of the switch": (
        "SELECT run_switch('payouts', max(user_id), 'operator', 'x', NULL) FROM user_roles"
        " WHERE role = 'operator'"
    ),
    "the operator's row": "SELECT FROM users FOR UPDATE",
    "all rows that it may lock": (
        "SELECT FROM escrows JOIN campaign_targets ON true JOIN post_jobs ON true FOR UPDATE"
    ),
    "an incident of its own": "SELECT open_incident('ledger_violation', '{}')",
    "a stop of its own": "SELECT stop_switch('payouts', NULL, 'system', 'x', NULL)",
}


@pytest.mark.parametrize("hold", HOLDS)
async def test_a_stop_is_answered_in_time_whatever_a_session_holds(
    database: Database, hung: asyncpg.Connection, hold: str
) -> None:
    async with database.sessions.begin() as session:
        operator = await people.staff(session, Role.OPERATOR)
        deal = await people.posted(session, promised_hours=0)
    await hung.execute(HOLDS[hold])
    began = time.monotonic()
    change = await switches.stop_switch(
        database.sessions, actor=operator, key=Switch.PAYOUTS, reason="drill"
    )
    assert time.monotonic() - began < LIMIT
    assert (change.changed, change.enabled) == (True, False)
    assert not (await _states(database))[Switch.PAYOUTS]
    hung.terminate()
    with pytest.raises(errors.SwitchStopped):
        async with database.sessions.begin() as session:
            await escrow.release(session, target_id=deal.target.id)
    async with database.sessions.begin() as session:
        assert not await rows.one(session, "SELECT count(*) FROM switch_stops")
        assert await rows.table(
            session, "SELECT enabled, changed_by, reason FROM kill_switches WHERE key = 'payouts'"
        ) == [(False, operator.user_id, "drill")]


async def test_a_session_that_outlasts_the_limit_commits_nothing(
    database: Database, hung: asyncpg.Connection
) -> None:
    await _shared_lock(hung, Switch.PAYOUTS)
    await hung.execute("INSERT INTO outbox (kind, payload) VALUES ('late', '{}')")
    await switches.stop_switch(database.sessions, actor=SYSTEM, key=Switch.PAYOUTS, reason="drill")
    with pytest.raises(open_transactions.ENDED):
        await hung.execute("COMMIT")
    async with database.sessions.begin() as session:
        assert not await rows.one(session, "SELECT count(*) FROM outbox WHERE kind = 'late'")


async def test_an_act_whose_session_was_ended_counts_as_a_lost_connection(
    database: Database,
) -> None:
    async with database.sessions() as session:
        await killswitches.lock(session, Switch.PAYOUTS)
        await switches.stop_switch(
            database.sessions, actor=SYSTEM, key=Switch.PAYOUTS, reason="drill"
        )
        with pytest.raises(DBAPIError) as lost:
            await session.execute(text("SELECT 1"))
    assert is_away(lost.value)


async def test_a_stop_is_read_before_it_is_settled(
    database: Database, hung: asyncpg.Connection
) -> None:
    await _shared_lock(hung, Switch.PAYOUTS)
    async with database.sessions.begin() as session:
        deal = await people.posted(session, promised_hours=0)
    async with database.sessions.begin() as session:
        await killswitches.stop(session, actor=SYSTEM, key=Switch.PAYOUTS, reason="drill")
    with pytest.raises(errors.SwitchStopped):
        async with database.sessions.begin() as session:
            await escrow.release(session, target_id=deal.target.id)
    assert (await _states(database)) == {key: key is not Switch.PAYOUTS for key in Switch}
    await watchdogs.settle_stops(database.sessions)
    async with database.sessions.begin() as session:
        assert not await rows.one(session, "SELECT count(*) FROM switch_stops")


async def test_an_act_that_ends_in_time_is_waited_for(
    database: Database, hung: asyncpg.Connection
) -> None:
    await _shared_lock(hung, Switch.PAYOUTS)
    async with database.sessions.begin() as session:
        change = await killswitches.stop(session, actor=SYSTEM, key=Switch.PAYOUTS, reason="drill")
    await hung.execute("COMMIT")
    await switches.settle_stop(database.sessions, change)
    assert await hung.fetchval("SELECT 1") == 1  # the session was not ended


@pytest.mark.parametrize("hold", HOLDS)
async def test_a_violation_stops_the_money_whatever_a_session_holds(
    database: Database, hung: asyncpg.Connection, hold: str
) -> None:
    async with database.sessions.begin() as session:
        await people.staff(session, Role.OPERATOR)
    await hung.execute(HOLDS[hold])
    began = time.monotonic()
    async with database.sessions.begin() as session:
        await incidents.raise_alarm(session, [VIOLATION])
    assert time.monotonic() - began < LIMIT
    assert await _states(database) == {key: key not in MONEY for key in Switch}
    async with database.sessions.begin() as session:
        alarms = "SELECT count(*) FROM outbox WHERE kind = 'ledger_violation'"
        assert await rows.one(session, alarms) == 1
        assert await rows.one(session, "SELECT count(*) FROM incidents") == 1
    await watchdogs.settle_stops(database.sessions)
    stopped = "SELECT count(*) FROM kill_switches WHERE NOT enabled"
    async with database.sessions.begin() as session:
        assert await rows.one(session, stopped) == len(MONEY)


async def test_one_switch_that_cannot_be_settled_does_not_delay_the_others(
    database: Database, superuser: asyncpg.Connection
) -> None:
    await _shared_lock(superuser, Switch.NEW_ESCROWS)
    async with database.sessions.begin() as session:
        await incidents.raise_alarm(session, [VIOLATION])
    await watchdogs.settle_stops(database.sessions)
    change = await switches.stop_switch(
        database.sessions, actor=SYSTEM, key=Switch.NEW_ESCROWS, reason="drill"
    )
    assert not change.settled
    async with database.sessions.begin() as session:
        left = await rows.table(session, "SELECT key FROM switch_stops")
        assert left == [(Switch.NEW_ESCROWS.value,)]
    assert [holder.ended for holder in change.holders] == [False]
    assert await _states(database) == {key: key not in MONEY for key in Switch}


@pytest.mark.parametrize(
    "lock",
    [
        "LOCK TABLE kill_switches IN SHARE ROW EXCLUSIVE MODE",
        "LOCK TABLE kill_switches IN ACCESS EXCLUSIVE MODE",
        "LOCK TABLE switch_stops IN EXCLUSIVE MODE",
    ],
)
async def test_the_scheduler_ends_a_foreign_lock_that_keeps_a_stop_from_being_settled(
    database: Database, lock: str
) -> None:
    async with database.sessions.begin() as session:
        await killswitches.stop(session, actor=SYSTEM, key=Switch.PAYOUTS, reason="drill")
    owner = await asyncpg.connect(database.owner_url)
    await owner.execute("BEGIN")
    await owner.execute(lock)
    began = time.monotonic()
    await watchdogs.settle_stops(database.sessions)
    assert time.monotonic() - began < LIMIT
    async with database.sessions.begin() as session:
        assert not await rows.one(session, "SELECT count(*) FROM switch_stops")
        stopped = "SELECT key FROM kill_switches WHERE NOT enabled"
        assert await rows.table(session, stopped) == [(Switch.PAYOUTS.value,)]
    owner.terminate()


async def test_the_scheduler_ends_no_foreign_lock_while_no_stop_waits(database: Database) -> None:
    owner = await asyncpg.connect(database.owner_url)
    await owner.execute("BEGIN")
    await owner.execute("LOCK TABLE kill_switches IN ACCESS EXCLUSIVE MODE")
    await watchdogs.settle_stops(database.sessions)
    assert await owner.fetchval("SELECT 1") == 1
    await owner.close()


async def test_an_open_incident_alone_stops_the_money(database: Database) -> None:
    async with database.sessions.begin() as session:
        operator = await people.staff(session, Role.OPERATOR)
        await incidents.raise_alarm(session, [VIOLATION])
    await database.as_owner("DELETE FROM switch_stops")
    assert await _states(database) == {
        key: key not in killswitches.STOPPED_BY_INCIDENT for key in Switch
    }
    async with database.sessions.begin() as session:
        with pytest.raises(errors.IncidentOpen):
            await killswitches.run(session, actor=operator, key=Switch.PAYOUTS, reason="x")
    connection = await asyncpg.connect(database.url)
    with pytest.raises(asyncpg.PostgresError) as refusal:
        await connection.execute(
            f"SELECT run_switch('payouts', {operator.user_id}, 'operator', 'x', NULL)"
        )
    assert refusal.value.sqlstate == "AD043"
    await connection.close()
