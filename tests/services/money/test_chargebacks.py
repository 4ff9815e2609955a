"""Test a chargeback that arrives while a withdrawal of the same person is in each of its states."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.users import RequestKind
from services.market import payment_reversals, user_blocks
from services.money import excess_payments, invariants, payment_claims, wallets, withdrawals
from services.platform import errors
from services.platform.actors import Actor
from tests.factories import payments, people, rows

PAID_IN, WITHDRAWN = 1_000, 400
ALARM = (
    "SELECT (payload->>'recovered')::int, (payload->>'loss')::int, payload->'approved'"
    " FROM outbox WHERE kind = 'deposit_clawed_back'"
)
CLAIM = "SELECT paying_by FROM withdrawals WHERE id = :id"


@dataclass(frozen=True)
class Case:
    """A person who paid PAID_IN and withdraws WITHDRAWN, and two admins."""

    person: Actor
    admin: Actor
    other: Actor
    withdrawal_id: int

    @property
    def user_id(self) -> int:
        """The id of the person."""
        return self.person.user_id or 0


async def _approve(session: AsyncSession, admin: Actor, id_: int) -> None:
    await withdrawals.approve(session, actor=admin, withdrawal_id=id_)


async def _claim(session: AsyncSession, admin: Actor, id_: int) -> None:
    await payment_claims.claim(session, actor=admin, withdrawal_id=id_)


async def _pay(session: AsyncSession, admin: Actor, id_: int) -> None:
    await withdrawals.mark_paid(
        session, actor=admin, withdrawal_id=id_, external_reference="bank-1"
    )


async def _give_back(session: AsyncSession, admin: Actor, id_: int) -> None:
    await withdrawals.return_money(session, actor=admin, withdrawal_id=id_, reason="no details")


Step = Callable[[AsyncSession, Actor, int], Awaitable[None]]
STATES: dict[str, Sequence[Step]] = {
    "requested": [],
    "approved": [_approve],
    "claimed": [_approve, _claim],
    "paid": [_approve, _claim, _pay],
    "returned": [_approve, _give_back],
}


async def _charged_back(session: AsyncSession, state: str) -> Case:
    """Bring a withdrawal into a state, and let the chargeback arrive twice."""
    person = await people.person(session)
    admin, other = [await people.staff(session) for _ in range(2)]
    payment: dict[str, Any] = {"amount": PAID_IN, "source": "telegram"}
    await payments.deposit(session, user_id=person.user_id or 0, key="charge", **payment)
    asked = await withdrawals.request(session, actor=person, amount=WITHDRAWN, key="form")
    for step in STATES[state]:
        await step(session, admin, asked.id)
    first = await payments.reverse(session, external_reference="charge", user_id=None, **payment)
    await people.commit(session)
    before = await rows.snapshot(session)
    # The letter of the bank comes after the message of Telegram.
    again = await payment_reversals.reverse(
        session, external_reference="charge", user_id=None, amount=PAID_IN, source="staff"
    )
    assert again.id == first.deposit_id
    assert await rows.snapshot(session) == before
    return Case(person, admin, other, asked.id)


async def _is_refused(
    session: AsyncSession, refusal: type[Exception], act: Callable[[], Awaitable[Any]]
) -> None:
    with pytest.raises(refusal):
        async with session.begin_nested():
            await act()


async def _unblocked(session: AsyncSession, case: Case) -> None:
    await user_blocks.unblock(session, actor=case.admin, user_id=case.user_id, reason="a mistake")


@pytest.mark.parametrize(
    ("state", "status", "loss", "alarm"),
    [
        ("requested", "returned", 0, False),
        ("approved", "approved", WITHDRAWN, True),
        ("claimed", "approved", WITHDRAWN, True),
        ("paid", "paid", WITHDRAWN, False),
        ("returned", "returned", 0, False),
    ],
)
async def test_the_money_that_is_left_is_taken_and_the_rest_is_a_loss(
    session: AsyncSession, state: str, status: str, loss: int, *, alarm: bool
) -> None:
    case = await _charged_back(session, state)
    assert (await withdrawals.get(session, case.withdrawal_id)).status == status
    named = [case.withdrawal_id] if alarm else []
    assert await rows.table(session, ALARM) == [(PAID_IN - loss, loss, named)]
    assert await rows.available(session, case.person) == 0
    assert await wallets.open_loss(session, case.user_id) == loss
    assert await rows.one(session, "SELECT blocked FROM users WHERE id = :id", id=case.user_id)
    await _unblocked(session, case)
    await _is_refused(
        session,
        errors.OpenLoss if loss else errors.InsufficientFunds,
        lambda: withdrawals.request(session, actor=case.person, amount=1, key="next"),
    )
    assert await invariants.run(session) == []


@pytest.mark.parametrize("state", ["requested", "returned"])
async def test_a_returned_withdrawal_is_not_paid_but_a_payment_that_was_made_is_booked(
    session: AsyncSession, state: str
) -> None:
    case = await _charged_back(session, state)
    id_ = case.withdrawal_id
    await _is_refused(session, errors.InvalidMove, lambda: _approve(session, case.admin, id_))
    await _is_refused(session, errors.SecondPersonNeeded, lambda: _pay(session, case.admin, id_))
    facts = {"withdrawal_id": id_, "external_reference": "bank-1"}
    await payments.decided_request(
        session, RequestKind.RECORD_PAYMENT, facts, case.other, case.admin
    )
    made = await excess_payments.record(
        session, actor=case.admin, withdrawal_id=id_, external_reference="bank-1"
    )
    await people.commit(session)
    assert (made.recovered, made.loss) == (0, WITHDRAWN)
    assert await wallets.open_loss(session, case.user_id) == WITHDRAWN
    assert await invariants.run(session) == []


@pytest.mark.parametrize("state", ["approved", "claimed"])
@pytest.mark.parametrize("end", [_pay, _give_back])
async def test_an_approved_withdrawal_is_recorded_as_paid_or_given_back(
    session: AsyncSession, state: str, end: Step
) -> None:
    case = await _charged_back(session, state)
    id_ = case.withdrawal_id
    for blocked in (True, False):
        await _is_refused(
            session,
            errors.PersonBlocked if blocked else errors.OpenLoss,
            lambda: _claim(session, case.admin, id_),
        )
        if blocked:
            await _unblocked(session, case)
    if state == "claimed":
        # The admin with the claim may be paying at this moment, so nobody else gives it back.
        assert await rows.one(session, CLAIM, id=id_) == case.admin.user_id
        for act in (_claim, _give_back):
            by_another = partial(act, session, case.other, id_)
            await _is_refused(session, errors.PaymentClaimed, by_another)
    await end(session, case.admin, id_)
    await people.commit(session)
    back = WITHDRAWN if end is _give_back else 0
    assert await rows.available(session, case.person) == back
    assert await wallets.open_loss(session, case.user_id) == WITHDRAWN
    await _is_refused(
        session,
        errors.OpenLoss,
        lambda: withdrawals.request(session, actor=case.person, amount=1, key="next"),
    )
    assert await invariants.run(session) == []


async def test_a_payment_that_is_recorded_twice_after_a_chargeback_is_a_second_loss(
    session: AsyncSession,
) -> None:
    case = await _charged_back(session, "paid")
    id_ = case.withdrawal_id
    await _pay(session, case.admin, id_)
    facts = {"withdrawal_id": id_, "external_reference": "bank-2"}
    await payments.decided_request(
        session, RequestKind.RECORD_PAYMENT, facts, case.other, case.admin
    )
    await excess_payments.record(
        session, actor=case.admin, withdrawal_id=id_, external_reference="bank-2"
    )
    await people.commit(session)
    assert await wallets.open_loss(session, case.user_id) == 2 * WITHDRAWN
    assert await invariants.run(session) == []
