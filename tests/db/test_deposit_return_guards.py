"""Test the guards of returns of deposits against each login, and against the owner's role."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.deposit_returns import DepositReturn
from db.models.intake import Comparison
from db.models.money import Deposit
from db.money import STARS
from db.session import Sessions, create_engine, create_sessions, sqlstate
from sandbox import embedded, logins
from services.market import star_transactions
from services.money import deposit_returns, received_payments, return_attempts
from services.money.payout_terms import FREE_OF_CHARGE
from services.platform.actors import Actor
from tests.conftest import Database
from tests.factories import payments, people, presses

SENDING = "status = 'sending', lease_owner = 'x', lease_until = now()"
ASK_AGAIN = "UPDATE deposit_returns SET status = 'requested', uncertain_at = NULL"
ANOTHER = (
    "INSERT INTO deposit_returns (deposit_id, number, user_id, amount, currency)"
    " SELECT deposit_id, 1, user_id, amount {}, currency FROM deposit_returns"
)


async def _pay_in(session: AsyncSession, person: Actor, charge: str = "charge") -> Deposit:
    return await payments.deposit(
        session, user_id=person.user_id or 0, amount=500, key=charge, source="stars"
    )


async def _want(session: AsyncSession, person: Actor, deposit: Deposit) -> DepositReturn:
    return await deposit_returns.request(
        session, actor=person, deposit_id=deposit.id, number=0, terms=FREE_OF_CHARGE
    )


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("UPDATE deposit_returns SET amount = 1", "AD031"),
        ("UPDATE deposit_returns SET status = 'done', ended_at = now()", "AD194"),
        ("UPDATE deposit_returns SET status = 'refused', ended_at = now()", "AD020"),
        (f"UPDATE deposit_returns SET {SENDING}", "AD192"),
        (f"UPDATE deposit_returns SET {SENDING}, claim_no = 1", "AD193"),
        ("UPDATE deposit_returns SET status = 'uncertain', uncertain_at = now()", "AD029"),
        ("UPDATE deposits SET status = 'returned'", "AD021"),
        ("DELETE FROM deposit_returns", "AD006"),
        (ANOTHER.format(""), "23505"),
        (ANOTHER.format("+ 1"), "AD190"),
    ],
)
async def test_the_owners_role_makes_no_wrong_return(
    database: Database, statement: str, code: str
) -> None:
    async with database.sessions.begin() as session:
        person = await people.person(session, currency=STARS)
        await _want(session, person, await _pay_in(session, person))
    with pytest.raises(asyncpg.PostgresError) as refusal:
        await database.as_owner(statement)
    assert refusal.value.sqlstate == code


@asynccontextmanager
async def _bots_login(server: embedded.Postgres, database: Database) -> AsyncIterator[Sessions]:
    """Yield a factory of sessions with the login of the bot."""
    name = database.url.partition("@/")[2].partition("?")[0]
    engine = create_engine(server.dsn(logins.BOT, name))
    try:
        yield create_sessions(engine)
    finally:
        await engine.dispose()


async def _end(sessions: Sessions, made: DepositReturn, *, refused: bool = False) -> str | None:
    """End a return, and return the SQLSTATE of the database's refusal, or None."""
    try:
        async with sessions.begin() as session:
            given = await deposit_returns.lock(session, made.id)
            if refused:
                await deposit_returns.refuse(session, given, why=deposit_returns.BY_TELEGRAM)
            else:
                deposit = await session.get_one(Deposit, made.deposit_id)
                await deposit_returns.complete(session, given, deposit)
    except DBAPIError as error:
        return sqlstate(error)
    return None


async def test_the_bots_login_needs_the_press(
    server: embedded.Postgres, database: Database
) -> None:
    """Check a thief of the bot's login: no return without a press."""
    async with database.sessions.begin() as session:
        person = await people.person(session, currency=STARS)
        paid = await _pay_in(session, person)
    async with _bots_login(server, database) as bot:
        with pytest.raises(DBAPIError) as refusal:
            async with bot.begin() as session:
                await _want(session, person, paid)
        assert sqlstate(refusal.value) == "AD191"
        async with database.sessions.begin() as session:
            await presses.press(session, person, f"giveback:{paid.id}:0")
        async with bot.begin() as session:
            await _want(session, person, paid)


@pytest.mark.parametrize(
    ("changed", "refusal"),
    [
        ({}, None),
        ({"refunded": False}, "AD194"),
        ({"amount": 499}, "AD194"),
        ({"currency": "USD"}, "AD194"),
        ({"charge_id": "unknown"}, "AD194"),
        ({"charge_id": "other"}, "AD194"),
    ],
)
async def test_the_bots_login_needs_the_report_of_exactly_this_refund(
    server: embedded.Postgres, database: Database, changed: dict[str, Any], refusal: str | None
) -> None:
    async with database.sessions.begin() as session:
        person = await people.person(session, currency=STARS)
        paid, _ = await _pay_in(session, person), await _pay_in(session, person, "other")
        made = await _want(session, person, paid)
        report: dict[str, Any] = {
            "charge_id": paid.external_reference,
            "amount": 500,
            "currency": STARS,
            "refunded": True,
        } | changed
        await received_payments.note(session, telegram_id=1, **report)
    async with _bots_login(server, database) as bot:
        assert await _end(bot, made) == refusal


async def test_only_the_scheduler_records_the_answer_to_its_claim(
    server: embedded.Postgres, database: Database
) -> None:
    async with database.sessions.begin() as session:
        person = await people.person(session, currency=STARS)
        paid = await _pay_in(session, person)
        made = await _want(session, person, paid)
        await star_transactions.mark_compared(session, {paid.id}, Comparison.LISTED)
    async with _bots_login(server, database) as bot:
        assert await _end(database.sessions, made) == "AD194", "nothing was asked yet"
        async with database.sessions.begin() as session:
            [due] = await return_attempts.list_due(session, limit=5)
            claim = await return_attempts.claim(session, due, owner="x")
        assert claim is not None
        assert await _end(bot, made) == "AD194"
        assert await _end(bot, made, refused=True) == "AD194"
        async with database.sessions.begin() as session:
            await return_attempts.record_uncertain(session, claim, error="TimeoutError")
        assert await _end(database.sessions, made) == "AD194", "nobody knows the answer"
        async with bot.begin() as session:
            with pytest.raises(DBAPIError) as refusal:
                await session.execute(text(ASK_AGAIN))
            await session.rollback()
        assert sqlstate(refusal.value) == "AD194"
