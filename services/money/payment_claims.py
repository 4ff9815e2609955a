"""Let one admin claim the payment of a withdrawal, to prevent a payment by two admins."""

from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.money import Withdrawal, WithdrawalStatus
from db.models.users import User
from services.platform import audit, errors
from services.platform.actors import MODERATORS, Actor

CLAIM_TTL = timedelta(minutes=30)
"""How long an admin's claim on a payment is valid. After this time, another admin can claim it."""


async def claim(session: AsyncSession, *, actor: Actor, withdrawal_id: int) -> Withdrawal:
    """Claim the payment of an approved withdrawal for the actor, for the time CLAIM_TTL.

    A second call by the same actor extends the claim. If the withdrawal is not approved, it is
    returned without a claim. Locks the withdrawal. Raises AccessDenied, NotFound, OwnMoney. Raises
    PaymentClaimed if another admin has a valid claim.
    """
    role = actor.require_staff(*MODERATORS, action="withdrawal_claim")
    withdrawal = await session.get(
        Withdrawal, withdrawal_id, with_for_update=True, populate_existing=True
    )
    if withdrawal is None:
        raise errors.NotFound("withdrawal", withdrawal_id)
    if withdrawal.user_id == actor.user_id:
        raise errors.OwnMoney(withdrawal_id)
    if withdrawal.status is not WithdrawalStatus.APPROVED:
        return withdrawal
    await require_unclaimed(session, withdrawal, actor)
    until = await queries.now(session) + CLAIM_TTL
    withdrawal.paying_by, withdrawal.paying_until = actor.user_id, until
    await session.flush()
    await audit.record(
        session,
        actor=actor,
        action="withdrawal_payment_claimed",
        role=role,
        withdrawal_id=withdrawal_id,
    )
    return withdrawal


async def require_unclaimed(session: AsyncSession, withdrawal: Withdrawal, actor: Actor) -> None:
    """Raise PaymentClaimed if another admin has a valid claim on the payment of the withdrawal.

    The caller must have locked the withdrawal.
    """
    if withdrawal.paying_by in {None, actor.user_id}:
        return
    payer = await session.scalar(
        select(User.telegram_id)
        .join(Withdrawal, Withdrawal.paying_by == User.id)
        .where(Withdrawal.id == withdrawal.id, Withdrawal.paying_until > func.clock())
    )
    if payer is not None:
        raise errors.PaymentClaimed(withdrawal.id, payer)
