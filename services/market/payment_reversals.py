"""Handle payments that were reversed outside: take the money back and block the payer."""

from sqlalchemy.ext.asyncio import AsyncSession

from db.models.money import Clawback
from services.market import user_blocks
from services.money import clawbacks, deposits
from services.platform.actors import SYSTEM


async def reverse(
    session: AsyncSession, *, external_reference: str, user_id: int, amount: int, source: str
) -> Clawback:
    """Take the whole amount of a reversed payment back (minor units), and block its payer.

    A second call for the same payment returns the clawback of the first call. (A clawback is the
    booking that takes the payment back.) `external_reference` is the id that the payment has
    outside; the deposit is stored under the same id. If the payment is not credited yet, it will
    never be credited, and no money moves. If the payment never arrived here, a deposit is recorded
    for it. Then a late message about the payment credits nothing. Locks the deposit, the person,
    their channels, their unapproved withdrawals, then the wallets. Raises InvalidAmount, NotFound.
    Raises IdempotencyConflict if the payment had another payer or another amount.
    """
    deposit = await deposits.lock_or_record(
        session,
        external_reference=external_reference,
        user_id=user_id,
        amount=amount,
        source=source,
    )
    first = await clawbacks.find_by_deposit(session, deposit.id)
    if first is not None:
        return first
    await user_blocks.block(
        session, actor=SYSTEM, user_id=user_id, role="system", deposit_id=deposit.id
    )
    return await clawbacks.record(session, deposit)
