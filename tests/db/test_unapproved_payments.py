"""Test that only two admins together can record that an unapproved withdrawal was paid."""

from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.users import RequestKind
from db.session import sqlstate
from services.market import staff_requests
from services.money import withdrawals
from tests.factories import payments, people, presses


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


async def test_a_payment_that_the_second_admin_refused_is_not_recorded(
    session: AsyncSession,
) -> None:
    one, two = [await people.staff(session) for _ in range(2)]
    person = await people.person(session, balance=900)
    asked = await withdrawals.request(session, actor=person, amount=400, key="form")
    payment: dict[str, Any] = {"withdrawal_id": asked.id, "external_reference": "bank-1"}
    request = await staff_requests.create(
        session,
        actor=one,
        kind=RequestKind.RECORD_PAYMENT,
        arguments=payment,
        reason="x",
        from_shell=True,
    )
    for who, data, decide in (
        (one, "mine", staff_requests.acknowledge),
        (two, "no_sure", staff_requests.drop),
    ):
        pressed = await presses.press(session, who, f"request:{data}:{request.id}")
        await decide(session, actor=pressed, request_id=request.id)

    async def record() -> None:
        async with session.begin_nested():
            await withdrawals.mark_paid(session, actor=two, confirmed=True, **payment)
            await people.commit(session)

    with pytest.raises(DBAPIError) as refusal:
        await record()
    assert sqlstate(refusal.value) == "AD060"
