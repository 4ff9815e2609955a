"""Test which payments and refunds the database records from Telegram's updates."""

from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from services.money import deposits
from services.platform import errors, inbox
from tests.factories import people, rows

PAID = {"telegram_payment_charge_id": "c", "total_amount": 500, "currency": "USD"}
NOTED = "SELECT kind, charge_id, telegram_id, amount, currency FROM received_payments ORDER BY id"


async def _store(session: AsyncSession, number: int, message: Any) -> None:
    assert await inbox.store(session, [{"update_id": number, "message": message}]) == 1


async def test_a_payment_belongs_to_its_sender_and_a_refund_to_the_chat(
    session: AsyncSession,
) -> None:
    payer = {"from": {"id": 7}, "chat": {"id": 7}}
    bot = {"from": {"id": 1}, "chat": {"id": 7}}
    await _store(session, 1, payer | {"successful_payment": PAID})
    await _store(session, 2, bot | {"refunded_payment": PAID})
    await _store(session, 3, payer | {"successful_payment": PAID | {"total_amount": 9}})
    assert await rows.table(session, NOTED) == [
        ("payment", "c", 7, 500, "USD"),
        ("refund", "c", 7, 500, "USD"),
    ]


@pytest.mark.parametrize(
    "payment",
    [
        None,
        5,
        [],
        "x",
        {},
        PAID | {"total_amount": -5},
        PAID | {"total_amount": 10**30},
        PAID | {"total_amount": {"a": 1}},
        PAID | {"total_amount": None},
        PAID | {"currency": None},
        {name: value for name, value in PAID.items() if name != "telegram_payment_charge_id"},
    ],
)
async def test_content_that_is_no_payment_is_stored_and_not_noted(
    session: AsyncSession, payment: Any
) -> None:
    await _store(session, 1, {"from": {"id": 7}, "successful_payment": payment})
    await _store(session, 2, {"from": 7, "successful_payment": PAID})
    await _store(session, 3, "no object")
    assert await rows.table(session, NOTED) == []


async def test_a_deposit_is_what_was_paid(session: AsyncSession) -> None:
    payer, other = await people.person(session), await people.person(session)
    telegram_id = await rows.one(
        session, "SELECT telegram_id FROM users WHERE id = :id", id=payer.user_id
    )
    await _store(session, 1, {"from": {"id": telegram_id}, "successful_payment": PAID})

    async def record(user_id: int | None, amount: int, key: str) -> str:
        async with session.begin_nested():
            made = await deposits.deposit(
                session, user_id=user_id or 0, amount=amount, key=key, source="telegram"
            )
        return made.status

    for user_id, amount, key in (
        (payer.user_id, 501, "c"),
        (other.user_id, 500, "c"),
        (payer.user_id, 500, "d"),
    ):
        with pytest.raises(errors.NotFound):
            await record(user_id, amount, key)
    assert await record(payer.user_id, 500, "c") == "credited"
