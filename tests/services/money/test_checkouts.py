"""Test that the bot agrees to one payment of an invoice."""

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from services.money import checkouts, deposits, received_payments
from services.platform import inbox
from services.platform.payment_errors import InvoiceBusy, InvoicePaid
from tests.conftest import Database
from tests.factories import concurrency, people, rows

INVOICE = "topup:1:70:USD:x"


async def _begin(
    session: AsyncSession, user_id: int, query_id: str, invoice: str = INVOICE
) -> None:
    await checkouts.begin(
        session, user_id=user_id, invoice=invoice, query_id=query_id, amount=70, currency="USD"
    )


async def _person(session: AsyncSession) -> int:
    return queries.required((await people.person(session)).user_id)


async def _report(session: AsyncSession, user_id: int, charge: str, number: int) -> None:
    """Store the update that reports a payment of the invoice. The bot does not handle it."""
    payer = await rows.one(session, "SELECT telegram_id FROM users WHERE id = :id", id=user_id)
    payment = {
        "telegram_payment_charge_id": charge,
        "total_amount": 70,
        "currency": "USD",
        "invoice_payload": INVOICE,
    }
    message = {"from": {"id": payer}, "successful_payment": payment}
    await inbox.store(session, [{"update_id": number, "message": message}])


async def test_the_same_question_is_agreed_to_again(session: AsyncSession) -> None:
    """Check a process that crashed before it answered Telegram."""
    user_id = await _person(session)
    await _begin(session, user_id, "one")
    await _begin(session, user_id, "one")


async def test_an_invoice_is_not_paid_on_two_devices_at_once(database: Database) -> None:
    async with database.sessions.begin() as session:
        user_id = await _person(session)

    async def press(query_id: str) -> None:
        async with database.sessions.begin() as session:
            await _begin(session, user_id, query_id)

    ended = await asyncio.gather(press("one"), press("two"), press("three"), return_exceptions=True)
    assert sorted(type(result).__name__ for result in ended) == [
        "InvoiceBusy",
        "InvoiceBusy",
        "NoneType",
    ]


async def test_a_payment_that_never_came_does_not_keep_the_invoice(session: AsyncSession) -> None:
    user_id = await _person(session)
    await _begin(session, user_id, "one")
    with pytest.raises(InvoiceBusy):
        await _begin(session, user_id, "two")
    await session.execute(
        text("UPDATE checkouts SET accepted_at = accepted_at - interval '1 minute'")
    )
    await _begin(session, user_id, "two")
    with pytest.raises(InvoiceBusy):
        await _begin(session, user_id, "one")


async def test_another_invoice_and_another_person_are_free(session: AsyncSession) -> None:
    user_id, other_id = await _person(session), await _person(session)
    await _begin(session, user_id, "one")
    await _begin(session, user_id, "two", "topup:1:70:USD:y")
    await _begin(session, other_id, "three")
    assert await rows.one(session, "SELECT count(*) FROM checkouts") == 2


async def test_a_reported_payment_counts_before_it_is_credited(session: AsyncSession) -> None:
    user_id = await _person(session)
    await _begin(session, user_id, "zero")
    await _report(session, user_id, "c", 1)
    with pytest.raises(InvoicePaid) as refusal:
        await _begin(session, user_id, "one")
    assert (refusal.value.balance, refusal.value.currency) == (0, "USD")


async def test_a_payment_counts_that_is_reported_while_the_invoice_is_locked(
    database: Database,
) -> None:
    """Check a report that comes after the minute for which the invoice was kept."""
    async with database.sessions.begin() as session:
        user_id = await _person(session)
        await _begin(session, user_id, "one")
        await session.execute(
            text("UPDATE checkouts SET accepted_at = accepted_at - interval '1 minute'")
        )

    async def lock(session: AsyncSession) -> None:
        await session.execute(text("SELECT FROM checkouts FOR UPDATE"))

    refusal = await concurrency.run_behind(
        database.sessions,
        lock,
        lambda session: _begin(session, user_id, "two"),
        last=lambda session: _report(session, user_id, "c", 1),
    )
    assert isinstance(refusal, InvoicePaid)


async def test_a_second_payment_is_credited_and_told(session: AsyncSession) -> None:
    user_id = await _person(session)
    for number, charge in enumerate(("first", "again"), start=1):
        await _report(session, user_id, charge, number)
        await deposits.deposit(session, user_id=user_id, amount=70, key=charge, source="telegram")
    told = "SELECT payload ->> 'second' FROM outbox WHERE kind = 'deposit_credited' ORDER BY id"
    assert await rows.table(session, told) == [("false",), ("true",)]
    balance = "SELECT balance FROM wallets WHERE user_id = :id AND kind = 'user'"
    assert await rows.one(session, balance, id=user_id) == 140


async def test_the_look_for_a_payment_uses_its_index(session: AsyncSession) -> None:
    await session.execute(text("SET LOCAL enable_seqscan = off"))
    plan = await rows.table(
        session, "EXPLAIN SELECT FROM received_payments WHERE invoice = 'topup:1:70:USD:x'"
    )
    assert "ix_received_payments_invoice" in str(plan)
    assert not await received_payments.is_paid(session, INVOICE)
