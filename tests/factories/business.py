"""Make transfers of every kind."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from db.models.users import RequestKind
from services.money import (
    escrow,
    excess_payments,
    wallets,
    withdrawals,
)
from services.money.payout_terms import PayoutTerms
from tests.factories import payments, people

BUSINESS = "adtech_business"
"""The name of a template database that contains transfers of every kind."""
TO_BREAK = "adtech_to_break"
"""The name of a copy of the template database."""


async def create_placements(session: AsyncSession) -> None:
    """Create a paid placement, a refunded placement, and a placement that waits to be published."""
    paid = await people.posted(session, promised_hours=0)
    await escrow.release(session, target_id=paid.target.id)
    lost = await people.failed(session)
    await escrow.refund(session, target_id=lost.target.id)
    await people.approved(session)
    await people.commit(session)


async def move_external_money(session: AsyncSession) -> None:
    """Move money into and out of the platform in every way, and between two wallets."""
    payer, earner = await people.person(session), await people.person(session, balance=1_900)
    admin = await people.staff(session)
    assert payer.user_id is not None
    paid: dict[str, Any] = {"user_id": payer.user_id, "amount": 700, "source": "telegram"}
    await payments.deposit(session, key="taken-back", **paid)
    await payments.reverse(session, external_reference="taken-back", **paid)
    out = await withdrawals.request(
        session, actor=earner, amount=300, key="paid", terms=PayoutTerms(fee_bps=400)
    )
    await withdrawals.approve(session, actor=admin, withdrawal_id=out.id)
    await withdrawals.mark_paid(
        session, actor=admin, withdrawal_id=out.id, external_reference="bank-1"
    )
    facts = {"withdrawal_id": out.id, "external_reference": "bank-2"}
    other = await people.staff(session)
    await payments.decided_request(session, RequestKind.RECORD_PAYMENT, facts, other, admin)
    await excess_payments.record(
        session, actor=admin, withdrawal_id=out.id, external_reference="bank-2"
    )
    await withdrawals.request(session, actor=earner, amount=200, key="waits")
    assert earner.user_id is not None
    one = await wallets.of_user(session, earner.user_id)
    two = await wallets.of_user(session, payer.user_id)
    await people.adjusted(session, one.id, two.id, 50)
    await people.commit(session)
