"""Test how excess payments for withdrawals are recorded."""

from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.losses import ExcessPayment
from db.models.operations import Switch
from db.models.users import RequestKind
from db.session import sqlstate
from services.money import excess_payments, invariants, wallets, withdrawals
from services.platform import errors
from services.platform.actors import Actor
from tests.factories import payments, people, rows

BOOKED = "SELECT amount, recovered, loss FROM excess_payments ORDER BY id"


async def _withdrawal(session: AsyncSession, person: Actor, amount: int = 400) -> int:
    made = await withdrawals.request(
        session, actor=person, amount=amount, key=f"form-{people.number()}"
    )
    return made.id


async def _returned(session: AsyncSession, person: Actor, admin: Actor) -> int:
    """Create a withdrawal, give its money back, and return the id of the withdrawal."""
    id_ = await _withdrawal(session, person)
    await withdrawals.return_money(session, actor=admin, withdrawal_id=id_, reason="wrong account")
    return id_


async def _record(session: AsyncSession, admin: Actor, id_: int, reference: str) -> ExcessPayment:
    """Record an excess payment that two admins have confirmed."""
    facts = {"withdrawal_id": id_, "external_reference": reference}
    admins = [await people.staff(session) for _ in range(2)]
    await payments.decided_request(session, RequestKind.RECORD_PAYMENT, facts, *admins)
    payment = await excess_payments.record(
        session, actor=admin, withdrawal_id=id_, external_reference=reference
    )
    await people.commit(session)
    return payment


async def test_a_payment_after_the_return_is_taken_from_the_wallet(session: AsyncSession) -> None:
    person, admin = await people.person(session, balance=1_000), await people.staff(session)
    id_ = await _returned(session, person, admin)
    for _ in range(2):
        payment = await _record(session, admin, id_, "bank-1")
        assert (payment.recovered, payment.loss) == (400, 0)
    assert await rows.available(session, person) == 600
    assert await rows.table(session, BOOKED) == [(400, 400, 0)]
    told = "SELECT payload->>'to', user_id FROM outbox WHERE kind = 'excess_payment' ORDER BY id"
    assert await rows.table(session, told) == [("staff", None), ("person", person.user_id)]
    assert await invariants.run(session) == []


async def test_what_the_wallet_lacks_is_a_loss(session: AsyncSession) -> None:
    person, admin = await people.person(session, balance=1_000), await people.staff(session)
    other = await people.person(session)
    id_ = await _returned(session, person, admin)
    mine, theirs = [(await wallets.of_user(session, a.user_id or 0)).id for a in (person, other)]
    await people.adjusted(session, mine, theirs, 900)
    payment = await _record(session, admin, id_, "bank-1")
    assert (payment.recovered, payment.loss) == (100, 300)
    assert await wallets.open_loss(session, person.user_id or 0) == 300
    with pytest.raises(errors.InsufficientFunds):
        async with session.begin_nested():
            await people.adjusted(session, mine, theirs, 1)
    with pytest.raises(errors.OpenLoss):
        await _withdrawal(session, person, 1)
    assert await invariants.run(session) == []


async def test_a_withdrawal_that_was_paid_twice(session: AsyncSession) -> None:
    person, admin = await people.person(session, balance=1_000), await people.staff(session)
    id_ = await _withdrawal(session, person)
    waiting = await _withdrawal(session, person, 500)
    await withdrawals.approve(session, actor=admin, withdrawal_id=id_)
    await withdrawals.mark_paid(
        session, actor=admin, withdrawal_id=id_, external_reference="bank-1"
    )
    with pytest.raises(errors.IdempotencyConflict):
        await _record(session, admin, id_, "bank-1")
    for reference in ("bank-2", "bank-3"):
        await _record(session, admin, id_, reference)
    assert await rows.table(session, BOOKED) == [(400, 400, 0), (400, 200, 200)]
    assert (await withdrawals.get(session, waiting)).status == "returned"
    assert await rows.available(session, person) == 0
    assert await invariants.run(session) == []


async def test_it_is_recorded_while_all_switches_are_stopped(session: AsyncSession) -> None:
    person, admin = await people.person(session, balance=1_000), await people.staff(session)
    id_ = await _returned(session, person, admin)
    await people.block(session, person)
    for key in Switch:
        await people.stop(session, key)
    assert (await _record(session, admin, id_, "bank-1")).recovered == 400


async def test_refused_payments_in_excess(session: AsyncSession) -> None:
    person, admin = await people.person(session, balance=1_000), await people.staff(session)
    id_, other = [await _returned(session, person, admin) for _ in range(2)]
    await _record(session, admin, id_, "bank-1")
    open_ = await _withdrawal(session, person)
    own = Actor(person.user_id, admin.roles, in_admin_chat=True)
    for who, which, reference, refusal in (
        (admin, open_, "bank-2", errors.InvalidMove),
        (admin, other, "bank-1", errors.IdempotencyConflict),
        (own, id_, "bank-2", errors.OwnMoney),
        (person, id_, "bank-2", errors.AccessDenied),
        (admin, id_, " ", errors.InvalidText),
        (admin, 999_999, "bank-2", errors.NotFound),
    ):
        with pytest.raises(refusal):
            await _record(session, who, which, reference)
    assert await rows.table(session, BOOKED) == [(400, 400, 0)]


@pytest.mark.parametrize(
    ("change", "status", "state"),
    [
        ({"amount": 300, "recovered": 300}, "paid", "AD051"),
        ({"external_reference": "bank-0"}, "paid", "AD054"),
        ({}, "requested", "AD051"),
        ({"external_reference": "bank-8"}, "paid", "AD051"),
        ({}, "paid", "AD020"),
    ],
    ids=["amount", "reference", "open", "no decision", "no transfer"],
)
async def test_the_database_refuses_a_payment_that_is_not_its_withdrawals(
    session: AsyncSession, change: dict[str, Any], status: str, state: str
) -> None:
    person, admin = await people.person(session, balance=1_000), await people.staff(session)
    id_ = await _withdrawal(session, person)
    if status == "paid":
        await withdrawals.approve(session, actor=admin, withdrawal_id=id_)
        await withdrawals.mark_paid(
            session, actor=admin, withdrawal_id=id_, external_reference="bank-0"
        )
        await people.commit(session)
    facts = {"withdrawal_id": id_, "external_reference": "bank-9"}
    admins = [await people.staff(session) for _ in range(2)]
    await payments.decided_request(session, RequestKind.RECORD_PAYMENT, facts, *admins)
    values = {"amount": 400, "recovered": 400, "external_reference": "bank-9"} | change

    async def insert() -> None:
        async with session.begin_nested():
            await rows.table(
                session,
                "INSERT INTO excess_payments (withdrawal_id, user_id, amount, recovered, loss,"
                " currency, external_reference, recorded_by) VALUES (:withdrawal, :person,"
                " :amount, :recovered, 0, 'USD', :external_reference, :by) RETURNING id",
                withdrawal=id_,
                person=person.user_id,
                by=admin.user_id,
                **values,
            )
            await people.commit(session)

    with pytest.raises(DBAPIError) as refusal:
        await insert()
    assert getattr(refusal.value.orig, "sqlstate", None) == state


async def test_the_decision_about_one_withdrawal_pays_for_no_other(session: AsyncSession) -> None:
    person, admin = await people.person(session, balance=1_000), await people.staff(session)
    decided, other = [await _returned(session, person, admin) for _ in range(2)]
    facts = {"withdrawal_id": decided, "external_reference": "bank-1"}
    admins = [await people.staff(session) for _ in range(2)]
    await payments.decided_request(session, RequestKind.RECORD_PAYMENT, facts, *admins)
    for id_, state in ((other, "AD051"), (decided, None)):
        found = None
        try:
            async with session.begin_nested():
                await excess_payments.record(
                    session, actor=admin, withdrawal_id=id_, external_reference="bank-1"
                )
                await people.commit(session)
        except DBAPIError as error:
            found = sqlstate(error)
        assert found == state
    assert await invariants.run(session) == []


async def test_a_payment_in_excess_pays_no_other_withdrawal(session: AsyncSession) -> None:
    person, admin = await people.person(session, balance=1_000), await people.staff(session)
    await _record(session, admin, await _returned(session, person, admin), "bank-1")
    other = await _withdrawal(session, person)
    await withdrawals.approve(session, actor=admin, withdrawal_id=other)
    with pytest.raises(errors.IdempotencyConflict):
        await withdrawals.mark_paid(
            session, actor=admin, withdrawal_id=other, external_reference="bank-1"
        )
    assert await invariants.run(session) == []
