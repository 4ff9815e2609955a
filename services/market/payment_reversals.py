"""Handle reversals. In a reversal, a payer has taken a payment back outside the platform.

Examples are a refund of Stars by Telegram and a chargeback by a bank. This module books the loss of
the deposit (a clawback) and blocks the payer.
"""

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
    """Book the reversal of a payment: take its whole deposit back, and block the payer.

    In a reversal, a payer has taken a payment back outside the platform. Returns the clawback (the
    booking that takes the deposit back). If the deposit already has a clawback, that clawback is
    returned. If the deposit is not credited yet, it is never credited, and no money moves.

    `amount` is in minor units. `external_reference` is the id that the payment provider gave the
    payment. If no deposit has this reference, a deposit of the person `user_id` is recorded without
    a credit. A late message about the payment then credits nothing. If `currency` is None, the
    currency is not compared.

    Locks the deposit, the person, their channels, their unapproved withdrawals, then the wallets.
    Raises InvalidAmount, CurrencyMismatch. Raises NotFound if there is neither a deposit nor a
    `user_id`. Raises PaymentMismatch if the deposit has another amount or currency.
    """
    deposit = await deposits.lock(session, external_reference)
    if deposit is None:
        if user_id is None:
            raise errors.NotFound("deposit", external_reference)
        # If the payment itself arrives at this moment, its transaction may record the deposit
        # first. Therefore the amount and the currency are compared below in any case.
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
    """Take a deposit back, block its payer, and return the clawback (the booking).

    If the deposit already has a clawback, nothing changes, and that clawback is returned. The
    caller must have locked the deposit.
    """
    first = await clawbacks.find_by_deposit(session, deposit.id)
    if first is not None:
        return first
    await user_blocks.block(
        session, actor=SYSTEM, user_id=deposit.user_id, role="system", deposit_id=deposit.id
    )
    return await clawbacks.record(session, deposit)
