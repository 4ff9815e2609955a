"""Test that the database reads the kill switches itself, whatever a session has locked."""

from collections.abc import AsyncIterator

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from bot import switches
from db.models.operations import Switch
from db.session import is_conflict, sqlstate
from sandbox import embedded, logins
from services.money import corrections, ledger, wallets
from services.platform import killswitches
from services.platform.actors import SYSTEM
from tests.conftest import Database
from tests.factories import open_transactions, people, presses, rows

RELEASE = "UPDATE escrows SET status = 'released', settled_at = clock() WHERE status = 'held'"


@pytest.fixture
async def thief(server: embedded.Postgres, database: Database) -> AsyncIterator[asyncpg.Connection]:
    """Yield a session of the scheduler's login. The database has an escrow to release."""
    async with database.sessions.begin() as session:
        await people.posted(session, promised_hours=0)
    name = database.url.partition("@/")[2].partition("?")[0]
    connection = await asyncpg.connect(server.dsn(logins.CLOCK, name))
    yield connection
    connection.terminate()


async def test_a_stop_ends_a_session_that_moves_money_without_the_lock(
    database: Database, thief: asyncpg.Connection
) -> None:
    await thief.execute("BEGIN")
    await thief.execute(RELEASE)
    change = await switches.stop_switch(
        database.sessions, actor=SYSTEM, key=Switch.PAYOUTS, reason="drill"
    )
    assert change.settled
    with pytest.raises(open_transactions.ENDED):
        await thief.execute("SELECT 1")
    async with database.sessions.begin() as session:
        assert await rows.one(session, "SELECT status FROM escrows") == "held"


@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE"])
async def test_an_old_state_of_the_database_hides_no_stop(
    database: Database, thief: asyncpg.Connection, level: str
) -> None:
    await thief.execute(f"BEGIN ISOLATION LEVEL {level}")
    assert await thief.fetchval("SELECT count(*) FROM running_switches") == len(Switch)
    async with database.sessions.begin() as session:
        await people.stop(session, Switch.PAYOUTS)
    with pytest.raises(asyncpg.PostgresError) as refused:
        await thief.execute(RELEASE)
    assert refused.value.sqlstate == "AD073"


async def test_a_signed_correction_waits_for_its_switch(database: Database) -> None:
    async with database.sessions.begin() as session:
        giver, taker = await people.person(session, balance=100), await people.person(session)
        one, two = [(await wallets.of_user(session, who.user_id or 0)).id for who in (giver, taker)]
        proposer, confirmer = await people.staff(session), await people.staff(session)
        proposed = await presses.propose(
            corrections.propose_adjustment,
            session,
            actor=proposer,
            from_wallet=one,
            to_wallet=two,
            amount=5,
            reason="a fee was taken twice",
        )
        press = await presses.confirm_correction(session, confirmer, proposed.id)
        await people.stop(session, Switch.ADJUSTMENTS)
    for status, done_at in (("done", "clock()"), ("confirmed", "NULL")):
        state = await _refusal(
            database,
            f"UPDATE corrections SET status = '{status}', confirmed_by = {confirmer.user_id},"
            f" confirmed_in = {press.inbox_id}, confirm_reason = 'x', done_at = {done_at}",
        )
        assert state == "AD072"


async def test_a_stop_between_two_reads_of_a_switch_is_a_conflict(database: Database) -> None:
    async with database.sessions.begin() as session:
        deal = await people.deal(session)
    async with database.sessions() as session:
        await killswitches.lock(session, Switch.NEW_ESCROWS)
        await killswitches.require(session, Switch.NEW_ESCROWS)
        async with database.sessions.begin() as operator:
            await killswitches.stop(operator, actor=SYSTEM, key=Switch.NEW_ESCROWS, reason="x")
        with pytest.raises(DBAPIError) as refused:
            await ledger.hold(session, target_id=deal.target.id)
    assert is_conflict(refused.value)


async def _refusal(database: Database, statement: str) -> str:
    """Run a statement that the database refuses, and return the SQLSTATE."""
    with pytest.raises(DBAPIError) as refused:
        async with database.sessions.begin() as session:
            await session.execute(text(statement))
    return sqlstate(refused.value)
