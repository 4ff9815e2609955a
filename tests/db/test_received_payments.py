"""Test which payments and refunds the database records from Telegram's updates."""

import random
from typing import Any

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from services.money import deposits, received_payments
from services.platform import errors, inbox
from tests.conftest import Database
from tests.factories import people, rows

PAID = {"telegram_payment_charge_id": "c", "total_amount": 500, "currency": "USD"}
PROVIDER_IDS = "SELECT provider_charge_id FROM received_payments ORDER BY id"
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


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("pi_1", "pi_1"),
        (7, "7"),
        ("", None),
        (None, None),
        ("x" * 200, "x" * 200),
        ("x" * 201, None),
    ],
)
async def test_the_providers_id_is_noted_with_the_payment(
    session: AsyncSession, given: Any, stored: str | None
) -> None:
    paid = PAID | {"provider_payment_charge_id": given}
    await _store(session, 1, {"from": {"id": 7}, "successful_payment": paid})
    await _store(session, 2, {"chat": {"id": 7}, "refunded_payment": PAID})
    assert await rows.table(session, PROVIDER_IDS) == [(stored,), (None,)]
    for reference in {"c", stored or "c"}:
        assert await received_payments.find_charge_ids(session, reference) == {"c", reference}


async def test_an_id_that_is_too_long_for_an_index_is_not_noted(session: AsyncSession) -> None:
    text = "".join(random.Random(1).choices("0123456789abcdef", k=9_000))
    paid = PAID | {"telegram_payment_charge_id": text, "provider_payment_charge_id": text}
    await _store(session, 1, {"from": {"id": 7}, "successful_payment": paid})
    assert await rows.table(session, NOTED) == []


async def test_two_payments_may_have_the_same_providers_id(session: AsyncSession) -> None:
    payer = await people.person(session)
    telegram_id = await rows.one(
        session, "SELECT telegram_id FROM users WHERE id = :id", id=payer.user_id
    )
    for number, charge in enumerate(("one", "two"), start=1):
        paid = PAID | {
            "telegram_payment_charge_id": charge,
            "provider_payment_charge_id": "the same",
        }
        await _store(session, number, {"from": {"id": telegram_id}, "successful_payment": paid})
        await deposits.deposit(
            session, user_id=payer.user_id or 0, amount=500, key=charge, source="telegram"
        )
    assert (await deposits.find_by_charge(session, "two")).external_reference == "two"
    with pytest.raises(errors.AmbiguousCharge) as refusal:
        await deposits.find_by_charge(session, "the same")
    assert (refusal.value.reference, refusal.value.count) == ("the same", 2)
    with pytest.raises(errors.NotFound):
        await deposits.find_by_charge(session, "three")


@pytest.mark.parametrize("statement", ["UPDATE {} SET amount = 9", "DELETE FROM {}", "TRUNCATE {}"])
@pytest.mark.parametrize("table", ["received_payments", "listed_star_transactions"])
async def test_the_owners_role_changes_no_report(
    database: Database, statement: str, table: str
) -> None:
    with pytest.raises(asyncpg.PostgresError) as refusal:
        await database.as_owner(statement.format(table))
    assert refusal.value.sqlstate == "AD006"


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
