"""Test how payments are recorded, and when they are credited."""

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.operations import Switch
from db.money import MAX_AMOUNT
from services.money import deposits
from services.platform import errors
from services.platform.actors import Actor
from tests.factories import payments, people, rows


def _id(who: Actor) -> int:
    assert who.user_id is not None
    return who.user_id


async def _pay(session: AsyncSession, who: Actor, amount: int, key: str) -> str:
    made = await payments.deposit(
        session, user_id=_id(who), amount=amount, key=key, source="telegram"
    )
    return made.status


async def test_a_payment_while_deposits_are_stopped_is_credited_later(
    session: AsyncSession,
) -> None:
    person = await people.person(session)
    await people.stop(session, Switch.DEPOSITS)
    for _ in range(2):  # Telegram reports it twice
        assert await _pay(session, person, 500, "a") == "received"
    assert await rows.available(session, person) == 0
    assert await deposits.credit_due(session) == 0
    await people.run_switches(session)
    assert await deposits.credit_due(session) == 1
    assert await deposits.credit_due(session) == 0
    assert await rows.available(session, person) == 500
    assert await _pay(session, person, 500, "a") == "credited"
    assert await rows.available(session, person) == 500
    assert (
        await rows.one(session, "SELECT count(*) FROM outbox WHERE kind = 'deposit_credited'") == 1
    )


async def test_a_repeated_payment_credits_the_waiting_deposit(session: AsyncSession) -> None:
    person = await people.person(session)
    await people.stop(session, Switch.DEPOSITS)
    await _pay(session, person, 500, "a")
    await people.run_switches(session)
    assert await _pay(session, person, 500, "a") == "credited"
    assert await deposits.credit_due(session) == 0
    assert await rows.available(session, person) == 500


async def test_a_key_belongs_to_one_payment(session: AsyncSession) -> None:
    person, other = await people.person(session), await people.person(session)
    await _pay(session, person, 500, "a")
    before = await rows.snapshot(session)
    for who, amount in ((other, 500), (person, 501)):
        with pytest.raises(errors.IdempotencyConflict):
            await _pay(session, who, amount, "a")
    assert await rows.snapshot(session) == before


@pytest.mark.parametrize("amount", [0, -1, MAX_AMOUNT + 1])
async def test_invalid_amounts_are_refused(session: AsyncSession, amount: int) -> None:
    person = await people.person(session)
    with pytest.raises(errors.InvalidAmount):
        await _pay(session, person, amount, "a")
    with pytest.raises(errors.InvalidAmount):
        await deposits.check_payable(
            session, user_id=_id(person), amount=amount, currency=people.CURRENCY
        )


async def test_a_blocked_person_gets_no_invoice_but_a_payment_is_credited(
    session: AsyncSession,
) -> None:
    person = await people.person(session)
    await people.block(session, person)
    with pytest.raises(errors.PersonBlocked):
        await deposits.check_payable(session, user_id=_id(person), amount=5, currency="USD")
    assert await _pay(session, person, 5, "a") == "credited"


async def test_an_invoice_is_checked_before_it_is_paid(session: AsyncSession) -> None:
    person = await people.person(session)
    before = await rows.snapshot(session)
    await deposits.check_payable(session, user_id=_id(person), amount=5, currency="USD")
    with pytest.raises(errors.CurrencyMismatch):
        await deposits.check_payable(session, user_id=_id(person), amount=5, currency="XTR")
    with pytest.raises(errors.NotFound):
        await deposits.check_payable(session, user_id=999_999, amount=5, currency="USD")
    assert await rows.snapshot(session) == before
    await people.stop(session, Switch.DEPOSITS)
    with pytest.raises(errors.SwitchStopped):
        await deposits.check_payable(session, user_id=_id(person), amount=5, currency="USD")
