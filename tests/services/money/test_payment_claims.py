"""Test that an admin can claim the payment of an approved withdrawal for 30 minutes."""

from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from services.market import user_blocks
from services.money import invariants, payment_claims, withdrawal_details, withdrawals
from services.platform import errors
from services.platform.actors import Actor
from tests.conftest import Database
from tests.factories import payments, people, rows

CLAIMED = "SELECT paying_by FROM withdrawals"


async def _requested(session: AsyncSession, person: Actor) -> int:
    made = await withdrawals.request(session, actor=person, amount=400, key="form")
    return made.id


async def test_another_admin_may_pay_after_30_minutes(database: Database) -> None:
    async with database.sessions.begin() as session:
        one, two = [await people.staff(session) for _ in range(2)]
        id_ = await _requested(session, await people.person(session, balance=400))
        await withdrawals.approve(session, actor=one, withdrawal_id=id_)
        for _ in range(2):
            await payment_claims.claim(session, actor=one, withdrawal_id=id_)
    await database.forward(timedelta(minutes=29, seconds=59))
    async with database.sessions.begin() as session:
        with pytest.raises(errors.PaymentClaimed):
            await payment_claims.claim(session, actor=two, withdrawal_id=id_)
        with pytest.raises(errors.PaymentClaimed):
            await withdrawals.return_money(session, actor=two, withdrawal_id=id_, reason="no")
        assert await rows.one(session, CLAIMED) == one.user_id
    await database.forward(timedelta(seconds=2))
    async with database.sessions.begin() as session:
        await payment_claims.claim(session, actor=two, withdrawal_id=id_)
        assert await rows.one(session, CLAIMED) == two.user_id
        assert await invariants.run(session) == []


async def test_a_withdrawal_that_is_not_approved_is_not_claimed(session: AsyncSession) -> None:
    admin = await people.staff(session)
    id_ = await _requested(session, await people.person(session, balance=400))
    await payment_claims.claim(session, actor=admin, withdrawal_id=id_)
    assert await rows.one(session, CLAIMED) is None


async def test_refused_claims(session: AsyncSession) -> None:
    admin, person = await people.staff(session), await people.person(session, balance=400)
    id_ = await _requested(session, person)
    own = Actor(person.user_id, admin.roles, in_admin_chat=True)
    for who, wanted, refusal in (
        (person, id_, errors.AccessDenied),
        (own, id_, errors.OwnMoney),
        (admin, id_ + 1, errors.NotFound),
    ):
        with pytest.raises(refusal):
            await payment_claims.claim(session, actor=who, withdrawal_id=wanted)


@pytest.mark.parametrize("why", ["blocked", "loss"])
async def test_nobody_claims_the_payment_of_a_person_who_must_wait(
    session: AsyncSession, why: str
) -> None:
    admin, person = await people.staff(session), await people.person(session)
    await payments.deposit(
        session, user_id=person.user_id or 0, amount=400, key="charge", source="telegram"
    )
    id_ = await _requested(session, person)
    await withdrawals.approve(session, actor=admin, withdrawal_id=id_)
    if why == "blocked":
        await people.block(session, person)
    else:
        await payments.reverse(
            session, external_reference="charge", user_id=None, amount=400, source="telegram"
        )
        await user_blocks.unblock(session, actor=admin, user_id=person.user_id or 0, reason="x")
    with pytest.raises(errors.PersonBlocked if why == "blocked" else errors.OpenLoss):
        await payment_claims.claim(session, actor=admin, withdrawal_id=id_)
    assert await rows.one(session, CLAIMED) is None
    details = await withdrawal_details.get_details(session, id_)
    assert (details.blocked, details.open_loss) == ((True, 0) if why == "blocked" else (False, 400))
    await withdrawals.mark_paid(
        session, actor=admin, withdrawal_id=id_, external_reference="already made"
    )
    assert await invariants.run(session) == []
