"""Let one admin claim the payment of a withdrawal, so that no other admin pays it too."""

from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.money import Withdrawal, WithdrawalStatus
from db.models.users import User
from services.money import destinations, payees
from services.platform import audit, errors
from services.platform.actors import MODERATORS, Actor

CLAIM_TTL = timedelta(minutes=30)
"""The time after which another admin can claim the payment."""


async def claim(session: AsyncSession, *, actor: Actor, withdrawal_id: int) -> Withdrawal:
    """Claim the payment of an approved withdrawal for the actor, for the time CLAIM_TTL.

    A second call by the same actor extends the claim. An unapproved withdrawal gets no claim. Locks
    the person, then the withdrawal. Raises AccessDenied, NotFound, OwnMoney; PaymentClaimed if
    another admin has a valid claim; PersonBlocked or OpenLoss if the person must not be paid now;
    DestinationDropped if the person has dropped the address.
    """
    role = actor.require_staff(*MODERATORS, action="withdrawal_claim")
    user_id = await session.scalar(select(Withdrawal.user_id).where(Withdrawal.id == withdrawal_id))
    if user_id is None:
        raise errors.NotFound("withdrawal", withdrawal_id)
    if user_id == actor.user_id:
        raise errors.OwnMoney(withdrawal_id)
    person = await payees.lock(session, user_id)
    withdrawal = await session.get_one(
        Withdrawal, withdrawal_id, with_for_update=True, populate_existing=True
    )
    if withdrawal.status is not WithdrawalStatus.APPROVED:
        return withdrawal
    await require_unclaimed(session, withdrawal, actor)
    await payees.require_payable(session, person)
    await destinations.require_kept(session, withdrawal)
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
