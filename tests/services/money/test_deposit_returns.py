"""Test which deposits in Stars can be given back, and that their money is held once."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.deposit_returns import DepositReturn, ReturnStatus
from db.models.money import Deposit, Wallet
from db.models.operations import Switch
from db.money import STARS
from services.money import (
    corrections,
    deposit_returns,
    deposits,
    wallets,
    withdrawals,
)
from services.money.payout_terms import FREE_OF_CHARGE, PayoutTerms
from services.platform import errors
from services.platform.actors import Actor
from services.platform.payment_errors import (
    AlreadyReturned,
    CorrectionOpen,
    DepositSpent,
    NotReturnable,
    ReturnTooLate,
)
from tests.conftest import Database
from tests.factories import concurrency, payments, people, presses, rows
from tests.factories.earnings import PAYOUT, earn

HELD = (
    "SELECT own.balance, held.balance FROM wallets own JOIN wallets held"
    " ON held.user_id = own.user_id AND held.kind = 'withdrawal'"
    " WHERE own.user_id = :id AND own.kind = 'user'"
)
Change = Callable[[AsyncSession, Actor], Awaitable[object]]


async def _person(session: AsyncSession) -> Actor:
    return await people.person(session, currency=STARS)


async def _pay_in(session: AsyncSession, person: Actor, amount: int = 500) -> Deposit:
    return await payments.deposit(
        session,
        user_id=person.user_id or 0,
        amount=amount,
        key=f"charge-{people.number()}",
        source="stars",
    )


async def _want(
    session: AsyncSession,
    person: Actor,
    deposit: Deposit,
    number: int = 0,
    terms: PayoutTerms = FREE_OF_CHARGE,
) -> DepositReturn:
    return await deposit_returns.request(
        session, actor=person, deposit_id=deposit.id, number=number, terms=terms
    )


async def test_the_money_is_held_once(session: AsyncSession) -> None:
    person = await _person(session)
    paid = await _pay_in(session, person)
    first = await _want(session, person, paid)
    assert (await _want(session, person, paid)).id == first.id
    assert await rows.table(session, HELD, id=person.user_id) == [(0, 500)]
    assert await rows.one(session, "SELECT count(*) FROM deposit_returns") == 1
    with pytest.raises(AlreadyReturned):
        await _want(session, person, paid, number=1)
    with pytest.raises(AlreadyReturned):
        await deposit_returns.check(session, paid, terms=FREE_OF_CHARGE)
    await people.commit(session)


async def test_two_presses_at_once_hold_the_money_once(database: Database) -> None:
    async with database.sessions.begin() as session:
        person = await _person(session)
        paid = await _pay_in(session, person)
        await _pay_in(session, person)

    async def press() -> int:
        async with database.sessions.begin() as session:
            return (await _want(session, person, paid)).id

    assert len(set(await asyncio.gather(press(), press(), press()))) == 1
    async with database.sessions.begin() as session:
        assert await rows.table(session, HELD, id=person.user_id) == [(500, 500)]


async def test_each_payment_is_given_back_separately(session: AsyncSession) -> None:
    person = await _person(session)
    first, second = await _pay_in(session, person, 500), await _pay_in(session, person, 200)
    await _want(session, person, second)
    await _want(session, person, first)
    assert await rows.table(session, HELD, id=person.user_id) == [(0, 700)]


async def test_a_payment_of_somebody_else_is_not_given_back(session: AsyncSession) -> None:
    person, other = await _person(session), await _person(session)
    paid = await _pay_in(session, person)
    await _pay_in(session, other)
    with pytest.raises(errors.NotFound):
        await _want(session, other, paid)


async def test_other_money_is_not_given_back(session: AsyncSession) -> None:
    person = await people.person(session)
    paid = await payments.deposit(
        session, user_id=person.user_id or 0, amount=500, key="card", source="telegram"
    )
    with pytest.raises(NotReturnable):
        await _want(session, person, paid)


async def test_a_payment_that_is_not_credited_is_not_given_back(session: AsyncSession) -> None:
    person = await _person(session)
    await people.stop(session, Switch.DEPOSITS)
    paid = await _pay_in(session, person)
    with pytest.raises(NotReturnable):
        await _want(session, person, paid)


async def _spend(session: AsyncSession, person: Actor) -> None:
    await people.spend(session, person, 1)


async def _withdraw(session: AsyncSession, person: Actor) -> None:
    await withdrawals.request(session, actor=person, amount=1, key="form")


@pytest.mark.parametrize("change", [_spend, _withdraw])
async def test_a_payment_is_only_given_back_whole(session: AsyncSession, change: Change) -> None:
    person = await _person(session)
    paid = await _pay_in(session, person)
    await change(session, person)
    with pytest.raises(DepositSpent) as refusal:
        await _want(session, person, paid)
    assert (refusal.value.needed, refusal.value.left, refusal.value.currency) == (500, 499, STARS)


async def test_what_was_earned_is_not_given_back_as_a_payment(session: AsyncSession) -> None:
    """Check a person who has spent the payment, and whose wallet is full of payouts."""
    person = await _person(session)
    paid = await _pay_in(session, person, PAYOUT)
    await people.spend(session, person, PAYOUT)
    await earn(session, person)
    assert (await wallets.of_user(session, person.user_id or 0)).balance == PAYOUT
    with pytest.raises(DepositSpent) as refusal:
        await _want(session, person, paid)
    assert refusal.value.left == 0


async def test_withdrawals_are_paid_from_what_was_earned(session: AsyncSession) -> None:
    person = await _person(session)
    paid = await _pay_in(session, person)
    await earn(session, person)
    await withdrawals.request(session, actor=person, amount=PAYOUT, key="form")
    assert (await _want(session, person, paid)).amount == 500


async def test_payouts_that_are_too_young_stay_in_the_wallet(session: AsyncSession) -> None:
    person = await _person(session)
    paid = await _pay_in(session, person, PAYOUT)
    await earn(session, person)
    # The withdrawal takes the payment, so that the wallet has only the young payout.
    await withdrawals.request(session, actor=person, amount=PAYOUT, key="form")
    with pytest.raises(DepositSpent) as refusal:
        await _want(session, person, paid, terms=PayoutTerms(stars_hold_days=21))
    assert refusal.value.left == 0


async def test_an_old_payment_is_not_given_back(database: Database) -> None:
    async with database.sessions.begin() as session:
        person = await _person(session)
        paid = await _pay_in(session, person)
    await database.forward(timedelta(days=20, hours=23))
    async with database.sessions.begin() as session:
        await deposit_returns.check(session, paid, terms=FREE_OF_CHARGE)
    await database.forward(timedelta(hours=2))
    with pytest.raises(ReturnTooLate) as refusal:
        async with database.sessions.begin() as session:
            await _want(session, person, paid)
    assert refusal.value.limit == 21


async def test_a_blocked_payer_gets_nothing_back(session: AsyncSession) -> None:
    person = await _person(session)
    paid = await _pay_in(session, person)
    await people.block(session, person)
    with pytest.raises(errors.PersonBlocked):
        await _want(session, person, paid)


async def test_a_payer_who_owes_money_gets_nothing_back(session: AsyncSession) -> None:
    person = await _person(session)
    await people.lose(session, person, 100)
    paid = await _pay_in(session, person)
    with pytest.raises(errors.OpenLoss):
        await _want(session, person, paid)


async def test_nothing_is_given_back_during_a_correction(session: AsyncSession) -> None:
    person = await _person(session)
    paid = await _pay_in(session, person)
    own = await wallets.of_user(session, person.user_id or 0)
    outside = await session.scalar(
        select(Wallet.id).where(Wallet.counterparty_id == person.user_id, Wallet.kind == "external")
    )
    admin = await people.staff(session)
    await presses.propose(
        corrections.propose_adjustment,
        session,
        actor=admin,
        reason="test",
        from_wallet=own.id,
        to_wallet=outside or 0,
        amount=1,
    )
    with pytest.raises(CorrectionOpen):
        await _want(session, person, paid)


async def test_the_switch_of_withdrawals_forbids_returns(session: AsyncSession) -> None:
    person = await _person(session)
    paid = await _pay_in(session, person)
    await people.stop(session, Switch.WITHDRAWALS)
    with pytest.raises(errors.SwitchStopped):
        await deposit_returns.check(session, paid, terms=FREE_OF_CHARGE)
    with pytest.raises(errors.SwitchStopped):
        await _want(session, person, paid)


async def test_a_reversal_takes_the_money_of_returns_that_wait(session: AsyncSession) -> None:
    """Check a payer who reverses one payment while another one is about to be given back."""
    person = await _person(session)
    taken, wanted = await _pay_in(session, person, 300), await _pay_in(session, person, 200)
    await people.spend(session, person, 200)
    await _want(session, person, wanted)
    clawback = await payments.reverse(
        session,
        external_reference=taken.external_reference,
        user_id=None,
        amount=300,
        source="stars",
    )
    assert (clawback.recovered, clawback.loss) == (300, 0)
    ended = await deposit_returns.find_latest(session, wanted.id)
    assert ended is not None
    assert ended.status is ReturnStatus.REFUSED
    assert await rows.table(session, HELD, id=person.user_id) == [(0, 0)]
    told = "SELECT payload ->> 'why' FROM outbox WHERE kind = 'deposit_return_refused'"
    assert await rows.one(session, told) == "clawed_back"
    with pytest.raises(errors.PersonBlocked):
        await _want(session, person, wanted, number=1)


async def test_the_staff_record_no_reversal_of_a_payment_that_is_given_back(
    session: AsyncSession,
) -> None:
    person = await _person(session)
    paid = await _pay_in(session, person)
    await _want(session, person, paid)
    with pytest.raises(AlreadyReturned):
        await deposit_returns.require_none(session, paid)


async def test_a_refund_that_is_reported_while_the_return_is_refused_is_a_reversal(
    database: Database,
) -> None:
    async with database.sessions.begin() as session:
        person = await _person(session)
        paid = await _pay_in(session, person)
        made = await _want(session, person, paid)

    async def refuse(session: AsyncSession) -> None:
        given = await deposit_returns.lock(session, made.id)
        await deposit_returns.refuse(session, given, why=deposit_returns.BLOCKED)

    async def report(session: AsyncSession) -> bool:
        deposit = queries.required(await deposits.lock(session, paid.external_reference))
        return await deposit_returns.record_refund(session, deposit)

    assert await concurrency.run_behind(database.sessions, refuse, report) is False
    async with database.sessions.begin() as session:
        assert await rows.table(session, HELD, id=person.user_id) == [(500, 0)]
