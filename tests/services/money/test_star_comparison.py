"""Test that a withdrawal in Stars is approved only after earlier deposits were compared."""

import asyncio
from collections.abc import Collection
from datetime import timedelta

import asyncpg
import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.intake import Comparison
from db.models.money import Deposit, Withdrawal
from db.models.users import Role
from db.money import STARS
from db.session import create_engine, create_sessions
from sandbox import embedded, logins
from services.market import registration, star_transactions
from services.market.star_transactions import StarTransaction
from services.money import incidents, star_list_positions, withdrawal_sources, withdrawals
from services.platform import errors
from services.platform.actors import Actor
from tests.conftest import Database
from tests.factories import breakage, payments, people, presses, rows

BOT = 7
UNKNOWN = {star_transactions.UNKNOWN_DEPOSIT, star_transactions.UNKNOWN_REFUND}
MINUTE = timedelta(minutes=1)


async def _person(session: AsyncSession) -> Actor:
    user = await registration.register(
        session, telegram_id=people.number(), language="en", currency=STARS
    )
    return Actor(user.id)


async def _pay_in(session: AsyncSession, person: Actor, amount: int = 500) -> Deposit:
    return await payments.deposit(
        session,
        user_id=person.user_id or 0,
        amount=amount,
        key=f"charge-{people.number()}",
        source="stars",
        currency=STARS,
    )


async def _request(session: AsyncSession, person: Actor, amount: int = 300) -> Withdrawal:
    return await withdrawals.request(
        session, actor=person, amount=amount, key=f"form-{people.number()}"
    )


async def _compare(session: AsyncSession, listed: Collection[Deposit] = ()) -> None:
    """Record a comparison with Telegram's list, which contains the deposits `listed`."""
    await star_transactions.mark_compared(session, {row.id for row in listed}, Comparison.LISTED)
    await star_list_positions.get(session, BOT)
    now = await queries.now(session)
    await star_transactions.verify(session, since=None, read_at=now)
    await star_list_positions.record_read(session, BOT, read_at=now)


def _refund_of(paid: Deposit) -> StarTransaction:
    return StarTransaction(
        paid.external_reference, 1, paid.amount, "", refunded=True, date=0, language=None
    )


async def _approve(database: Database, admin: Actor, withdrawal: Withdrawal) -> str:
    """Approve a withdrawal in its own transaction, and return the withdrawal's status."""
    async with database.sessions.begin() as session:
        done = await withdrawals.approve(session, actor=admin, withdrawal_id=withdrawal.id)
        return done.status.value


async def _is_refused(database: Database, admin: Actor, withdrawal: Withdrawal) -> None:
    with pytest.raises(errors.NotCompared):
        await _approve(database, admin, withdrawal)


async def test_an_approval_waits_until_the_deposit_is_compared(database: Database) -> None:
    async with database.sessions.begin() as session:
        admin, person = await people.staff(session), await _person(session)
        paid = await _pay_in(session, person)
        asked = await _request(session, person)
    await _is_refused(database, admin, asked)
    async with database.sessions.begin() as session:
        await _compare(session)
    await _is_refused(database, admin, asked)
    with pytest.raises(asyncpg.PostgresError) as refusal:
        await database.as_owner(
            "UPDATE withdrawals SET status = 'approved', decided_by = $1", admin.user_id
        )
    assert refusal.value.sqlstate == "AD053"
    other_currency = "UPDATE withdrawals SET status = 'approved', decided_by = $1, currency = 'USD'"
    await database.as_owner("ALTER TABLE withdrawals DISABLE TRIGGER frozen")
    with pytest.raises(asyncpg.PostgresError) as refusal:
        await database.as_owner(other_currency, admin.user_id)
    assert refusal.value.sqlstate == "AD053"
    await database.as_owner("ALTER TABLE withdrawals ENABLE TRIGGER frozen")
    async with database.sessions.begin() as session:
        await _compare(session, [paid])
    assert await _approve(database, admin, asked) == "approved"
    assert await _approve(database, admin, asked) == "approved"


async def test_an_approval_waits_for_the_deposits_of_everybody_before_its_request(
    database: Database,
) -> None:
    async with database.sessions.begin() as session:
        admin, person, other = (
            await people.staff(session),
            await _person(session),
            await _person(session),
        )
        mine = await _pay_in(session, person)
        theirs = await _pay_in(session, other)
    async with database.sessions.begin() as session:
        asked = await _request(session, person)
        await _compare(session, [mine])
    await _is_refused(database, admin, asked)
    async with database.sessions.begin() as session:
        await _compare(session, [theirs])
        later = await _pay_in(session, other)
    assert await _approve(database, admin, asked) == "approved"
    async with database.sessions.begin() as session:
        assert await rows.one(
            session, "SELECT comparison IS NULL FROM deposits WHERE id = :id", id=later.id
        )


async def test_an_approval_waits_while_the_list_is_not_read(database: Database) -> None:
    async with database.sessions.begin() as session:
        admin, person = await people.staff(session), await _person(session)
        paid = await _pay_in(session, person)
        asked = await _request(session, person)
        await _compare(session, [paid])
    await database.forward(5 * MINUTE + timedelta(seconds=1))
    await _is_refused(database, admin, asked)
    async with database.sessions.begin() as session:
        await _compare(session)
    await database.forward(4 * MINUTE)
    assert await _approve(database, admin, asked) == "approved"


async def test_an_unlisted_deposit_stops_the_money_before_the_next_approval(
    database: Database,
) -> None:
    async with database.sessions.begin() as session:
        admin, person = await people.staff(session), await _person(session)
        invented = await _pay_in(session, person)
        asked = await _request(session, person)
        await _compare(session)
    await _is_refused(database, admin, asked)
    await database.forward(2 * MINUTE)
    async with database.sessions.begin() as session:
        await _compare(session)
    with pytest.raises(errors.SwitchStopped):
        await _approve(database, admin, asked)
    async with database.sessions.begin() as session:
        operator = await people.staff(session, Role.SUPER_ADMIN)
        [incident] = await incidents.open_incidents(session)
        await breakage.close_incident(session, operator, incident.id)
    async with database.sessions.begin() as session:
        await people.run_switches(session)
    await _is_refused(database, admin, asked)
    async with database.sessions.begin() as session:
        await _compare(session)
        accepted = "SELECT comparison FROM deposits WHERE id = :id"
        assert await rows.one(session, accepted, id=invented.id) == "accepted"
    assert await _approve(database, admin, asked) == "approved"


async def test_a_locked_deposit_does_not_delay_the_alarm(database: Database) -> None:
    async with database.sessions.begin() as session:
        person = await _person(session)
        older = await _pay_in(session, person)
    began = older.created_at + timedelta(seconds=30)
    await database.forward(MINUTE)
    async with database.sessions.begin() as session:
        await _pay_in(session, person)
    await database.forward(2 * MINUTE)
    locking = select(Deposit.id).where(Deposit.id == older.id).with_for_update()
    async with database.sessions.begin() as holder:
        await holder.execute(locking)
        async with asyncio.timeout(5), database.sessions.begin() as session:
            await star_transactions.verify(session, since=began, read_at=await queries.now(session))
    async with database.sessions.begin() as session:
        assert len(await incidents.open_incidents(session)) == 1
        result = "SELECT comparison FROM deposits WHERE id = :id"
        assert await rows.one(session, result, id=older.id) is None
        await star_transactions.verify(session, since=began, read_at=await queries.now(session))
        assert await rows.one(session, result, id=older.id) == "not_covered"


async def _take_back(session: AsyncSession, paid: Deposit) -> None:
    await payments.reverse(
        session,
        external_reference=paid.external_reference,
        user_id=None,
        amount=paid.amount,
        source="stars",
        currency=STARS,
    )


@pytest.mark.parametrize("listed", [False, True])
async def test_a_deposit_that_was_taken_back_is_compared_too(
    database: Database, *, listed: bool
) -> None:
    """Check an invented deposit that paid an owner before an invented refund took it back."""
    async with database.sessions.begin() as session:
        admin, person, other = (
            await people.staff(session),
            await _person(session),
            await _person(session),
        )
        paid, reversed_ = await _pay_in(session, person), await _pay_in(session, other)
        asked = await _request(session, person)
        await _take_back(session, reversed_)
        await _compare(session, [paid])
    await _is_refused(database, admin, asked)
    async with database.sessions.begin() as session:
        found = {_refund_of(reversed_): reversed_.id} if listed else {}
        await star_transactions.mark_listed(session, found)
    await database.forward(2 * MINUTE)
    async with database.sessions.begin() as session:
        await _compare(session)
        names = [set(found.details) for found in await incidents.open_incidents(session)]
    assert names == ([] if listed else [UNKNOWN])
    if listed:
        assert await _approve(database, admin, asked) == "approved"


@pytest.mark.parametrize("source", ["telegram", "letter"])
async def test_a_refund_that_telegram_does_not_list_stops_the_money(
    database: Database, source: str
) -> None:
    async with database.sessions.begin() as session:
        paid = await _pay_in(session, await _person(session))
        await star_transactions.mark_compared(session, {paid.id}, Comparison.LISTED)
        await _take_back(session, paid)
    if source == "letter":
        await database.as_owner(
            "ALTER TABLE received_payments DISABLE TRIGGER USER;"
            " DELETE FROM received_payments WHERE kind = 'refund';"
            " ALTER TABLE received_payments ENABLE TRIGGER USER"
        )
    for minutes, open_incidents in ((0, 0), (2, source == "telegram")):
        await database.forward(minutes * MINUTE)
        async with database.sessions.begin() as session:
            await _compare(session)
            names = [set(found.details) for found in await incidents.open_incidents(session)]
        assert names == [{star_transactions.UNKNOWN_REFUND}] * open_incidents


async def test_a_refund_that_an_operator_has_judged_raises_no_second_alarm(
    database: Database,
) -> None:
    async with database.sessions.begin() as session:
        operator = await people.staff(session, Role.OPERATOR)
        paid = await _pay_in(session, await _person(session))
        await star_transactions.mark_compared(session, {paid.id}, Comparison.LISTED)
        await _take_back(session, paid)
    await database.forward(2 * MINUTE)
    async with database.sessions.begin() as session:
        await _compare(session)
        [incident] = await incidents.open_incidents(session)
    async with database.sessions.begin() as session:
        await breakage.close_incident(session, operator, incident.id)
    async with database.sessions.begin() as session:
        await _compare(session)
        assert await incidents.open_incidents(session) == []
        result = "SELECT refund_comparison FROM deposits WHERE id = :id"
        assert await rows.one(session, result, id=paid.id) == "accepted"


async def test_other_currencies_are_not_compared(database: Database) -> None:
    async with database.sessions.begin() as session:
        admin, person = await people.staff(session), await people.person(session, balance=500)
        asked = await _request(session, person)
    assert await _approve(database, admin, asked) == "approved"


async def test_a_result_never_changes(database: Database) -> None:
    async with database.sessions.begin() as session:
        person = await _person(session)
        paid = await _pay_in(session, person)
        await star_transactions.mark_compared(session, {paid.id}, Comparison.LISTED)
        await star_transactions.mark_compared(session, {paid.id}, Comparison.ACCEPTED)
        result = "SELECT comparison FROM deposits WHERE id = :id"
        assert await rows.one(session, result, id=paid.id) == "listed"
    with pytest.raises(asyncpg.PostgresError) as refusal:
        await database.as_owner("UPDATE deposits SET comparison = NULL")
    assert refusal.value.sqlstate == "AD031"


async def test_the_logins_of_the_jobs_have_the_rights_that_they_need(
    server: embedded.Postgres, database: Database
) -> None:
    async with database.sessions.begin() as session:
        admin, person = await people.staff(session), await _person(session)
        paid = await _pay_in(session, person)
        asked = await _request(session, person)
        await presses.press(session, admin, f"withdrawal:approve_sure:{asked.id}:")
    name = database.url.partition("@/")[2].partition("?")[0]
    clock, bot = (create_engine(server.dsn(login, name)) for login in (logins.CLOCK, logins.BOT))
    try:
        async with create_sessions(clock).begin() as session:
            await _compare(session, [paid])
            assert await star_list_positions.advance(
                session, bot_id=BOT, begin=0, end=1, newest="in:charge", begins_at=None
            )
        async with create_sessions(bot).begin() as session:
            await withdrawals.approve(session, actor=admin, withdrawal_id=asked.id)
            assert (await withdrawal_sources.get(session, asked.id)).newest[0].comparison == (
                Comparison.LISTED
            )
    finally:
        await clock.dispose()
        await bot.dispose()


async def test_the_check_before_an_approval_uses_its_index(database: Database) -> None:
    async with database.sessions.begin() as session:
        person = await _person(session)
        await _pay_in(session, person)
    await database.as_owner(
        "ALTER TABLE deposits DISABLE TRIGGER USER;"
        " INSERT INTO deposits (user_id, amount, currency, source, external_reference, comparison)"
        " SELECT user_id, 1, 'XTR', 'stars', 'filler-' || n, 'listed' FROM deposits,"
        " generate_series(1, 200000) AS n;"
        " ALTER TABLE deposits ENABLE TRIGGER USER; ANALYZE deposits"
    )
    async with database.sessions.begin() as session:
        plan = await rows.table(
            session,
            "EXPLAIN SELECT FROM deposits WHERE currency = 'XTR' AND comparison IS NULL"
            " AND created_at <= clock()",
        )
    assert any("ix_deposits_uncompared" in row[0] for row in plan), plan
