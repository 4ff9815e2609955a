"""Test in which order the returns of deposits are locked, and who waits for a locked return.

What becomes of each answer of Telegram is tested in scheduler/test_deposit_returns.
"""

from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.deposit_returns import DepositReturn
from db.models.intake import Comparison
from db.models.money import Deposit
from db.money import STARS
from services.market import star_transactions
from services.money import deposit_returns, deposits, return_attempts, star_list_positions
from services.money.payout_terms import FREE_OF_CHARGE
from services.money.return_attempts import ReturnClaim
from services.platform import errors
from tests.conftest import Database
from tests.factories import concurrency, payments, people

BOT = 7
UNCERTAIN = (
    "status = 'uncertain', uncertain_at = now() - interval '4 minutes',"
    " lease_owner = NULL, lease_until = NULL"
)
Tick = Callable[[AsyncSession], Awaitable[int]]


async def _claim(session: AsyncSession) -> ReturnClaim:
    """Let a person pay 500 Stars and want them back, and let a process claim the return."""
    person = await people.person(session, currency=STARS)
    paid = await payments.deposit(
        session, user_id=person.user_id or 0, amount=500, key="charge", source="stars"
    )
    await deposit_returns.request(
        session, actor=person, deposit_id=paid.id, number=0, terms=FREE_OF_CHARGE
    )
    await star_transactions.mark_compared(session, {paid.id}, Comparison.LISTED)
    [due] = await return_attempts.list_due(session, limit=5)
    return queries.required(await return_attempts.claim(session, due, owner="x"))


async def _refunded(session: AsyncSession, claim: ReturnClaim) -> bool:
    return await return_attempts.record_refunded(session, claim)


async def _refused(session: AsyncSession, claim: ReturnClaim) -> bool:
    return await return_attempts.record_refused(session, claim, error="no")


@pytest.mark.parametrize("record", [_refunded, _refused])
async def test_an_answer_locks_the_deposit_before_the_return(
    database: Database, record: Callable[[AsyncSession, ReturnClaim], Awaitable[bool]]
) -> None:
    """Check an answer and a report of the refund at the same time. The report is first."""
    async with database.sessions.begin() as session:
        claim = await _claim(session)

    async def lock(session: AsyncSession) -> Deposit:
        return queries.required(await deposits.lock(session, claim.due.charge_id))

    async def report(session: AsyncSession) -> None:
        assert await deposit_returns.record_refund(session, await lock(session))

    recorded = await concurrency.run_behind(
        database.sessions, lock, lambda session: record(session, claim), last=report
    )
    assert recorded is False


async def _ask_again(session: AsyncSession) -> int:
    return await return_attempts.ask_again(session, bot_id=BOT)


@pytest.mark.parametrize(
    ("tick", "change"),
    [
        (return_attempts.rescue_abandoned, "lease_until = now() - interval '1 second'"),
        (_ask_again, UNCERTAIN),
    ],
)
async def test_a_tick_skips_a_locked_return(database: Database, tick: Tick, change: str) -> None:
    async with database.sessions.begin() as session:
        await _claim(session)
        await session.execute(text(f"UPDATE deposit_returns SET {change}"))
        await star_list_positions.get(session, BOT)
        now = await queries.now(session)
        await star_list_positions.record_read(session, BOT, read_at=now)
    async with database.sessions.begin() as holder, database.sessions.begin() as session:
        await deposit_returns.lock(holder, queries.required(await _only_id(holder)))
        await session.execute(text("SET LOCAL lock_timeout = '500ms'"))
        assert await tick(session) == 0
    async with database.sessions.begin() as session:
        assert await tick(session) == 1


async def _only_id(session: AsyncSession) -> int | None:
    found: int | None = await session.scalar(select(DepositReturn.id))
    return found


async def test_an_ended_return_is_not_ended_again(session: AsyncSession) -> None:
    claim = await _claim(session)
    assert await return_attempts.record_refunded(session, claim)
    given = await deposit_returns.lock(session, claim.due.return_id)
    deposit = queries.required(await deposits.lock(session, claim.due.charge_id))
    with pytest.raises(errors.InvalidMove) as refusal:
        await deposit_returns.complete(session, given, deposit)
    assert refusal.value.thing == "deposit"
    with pytest.raises(errors.InvalidMove) as refusal:
        await deposit_returns.refuse(session, given, why=deposit_returns.BLOCKED)
    assert refusal.value.thing == "deposit_return"
