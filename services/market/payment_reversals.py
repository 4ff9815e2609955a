"""Handle payments that were reversed outside: take the money back and block the payer."""

from sqlalchemy.ext.asyncio import AsyncSession

from db.models.losses import Clawback
from db.models.money import Deposit
from services.market import user_blocks
from services.money import clawbacks, deposits
from services.platform import errors
from services.platform.actors import SYSTEM


async def reverse(
    session: AsyncSession,
    *,
    external_reference: str,
    user_id: int | None,
    amount: int,
    source: str,
    currency: str | None = None,
) -> Clawback:
    """Take the whole amount of a reversed payment back (minor units), and block its payer.

    A repeat returns the first clawback, that is, the booking that took the payment back.
    `external_reference` is the id that the payment has outside; the deposit is stored under the
    same id. The payer is the person of that deposit. `user_id` counts only if the payment never
    arrived here: then a deposit is recorded for this person, so that a late message about the
    payment credits nothing. If the payment is not credited yet, it will never be credited, and no
    money moves. `currency` may be None for the currency of the person's wallet. Locks the deposit,
    the person, their channels, their unapproved withdrawals, then the wallets. Raises
    InvalidAmount, NotFound, CurrencyMismatch; PaymentMismatch when the deposit has another amount
    or another currency.
    """
    deposit = await deposits.lock(session, external_reference)
    if deposit is None:
        if user_id is None:
            raise errors.NotFound("deposit", external_reference)
        # A payment that arrives at the same moment wins or waits. Its content is compared below.
        deposit = await deposits.lock_or_record(
            session,
            external_reference=external_reference,
            user_id=user_id,
            amount=amount,
            source=source,
            currency=currency,
        )
    if deposit.amount != amount:
        raise errors.PaymentMismatch(external_reference, str(deposit.amount), str(amount))
    if currency not in {None, deposit.currency}:
        raise errors.PaymentMismatch(external_reference, deposit.currency, str(currency))
    return await _take_back(session, deposit)


async def _take_back(session: AsyncSession, deposit: Deposit) -> Clawback:
    """Block the payer of a locked deposit and record its clawback, or return the first clawback."""
    first = await clawbacks.find_by_deposit(session, deposit.id)
    if first is not None:
        return first
    await user_blocks.block(
        session, actor=SYSTEM, user_id=deposit.user_id, role="system", deposit_id=deposit.id
    )
    return await clawbacks.record(session, deposit)
