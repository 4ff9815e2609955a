"""Payments that were reversed outside: take the money back and block the person."""

from sqlalchemy.ext.asyncio import AsyncSession

from db.models.money import Clawback
from services.market import user_blocks
from services.money import clawbacks, deposits
from services.platform.actors import SYSTEM


async def reverse(
    session: AsyncSession, *, external_reference: str, user_id: int, amount: int, source: str
) -> Clawback:
    """Take a reversed payment back, whole (minor units), and block its payer.

    A payment that was reversed before returns the first result. `external_reference` is the
    payment's own id outside, under which it was deposited. A payment that was not credited yet
    never will be, and no money moves. A payment that never arrived here is recorded with its
    deposit, so that a late message about it credits nothing. Locks the deposit, the person, their
    channels, their unapproved withdrawals, then the wallets. Raises InvalidAmount, NotFound;
    IdempotencyConflict when the payment was another person's or another amount.
    """
    deposit = await deposits.lock_or_record(
        session,
        external_reference=external_reference,
        user_id=user_id,
        amount=amount,
        source=source,
    )
    first = await clawbacks.of_deposit(session, deposit.id)
    if first is not None:
        return first
    await user_blocks.block(
        session, actor=SYSTEM, user_id=user_id, role="system", deposit_id=deposit.id
    )
    return await clawbacks.record(session, deposit)
