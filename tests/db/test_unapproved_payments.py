"""Test that only two admins together can record that an unapproved withdrawal was paid."""

from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.users import RequestKind
from db.session import sqlstate
from services.money import withdrawals
from tests.factories import payments, people


@pytest.mark.parametrize(
    ("decided", "state"),
    [
        ({}, None),
        ({"external_reference": "bank-2"}, "AD060"),
        ({"external_reference": "bank-1 and more"}, "AD060"),
        ({"withdrawal_id": 999_999}, "AD060"),
        (None, "AD060"),
    ],
)
async def test_the_decision_names_the_withdrawal_and_the_payment(
    session: AsyncSession, decided: dict[str, Any] | None, state: str | None
) -> None:
    admins = [await people.staff(session) for _ in range(2)]
    person = await people.person(session, balance=900)
    asked = await withdrawals.request(session, actor=person, amount=400, key="form")
    payment: dict[str, Any] = {"withdrawal_id": asked.id, "external_reference": "bank-1"}
    if decided is not None:
        facts = payment | decided
        await payments.decided_request(session, RequestKind.RECORD_PAYMENT, facts, *admins)
    found = None
    try:
        async with session.begin_nested():
            await withdrawals.mark_paid(session, actor=admins[1], confirmed=True, **payment)
            await people.commit(session)
    except DBAPIError as error:
        found = sqlstate(error)
    assert found == state
