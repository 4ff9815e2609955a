"""Handle payments whose payer has taken the money back outside the platform (a reversal).

A reversal is for example a refund of Stars or a chargeback. This module takes the deposit of the
payment back and blocks its payer.
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
    """Take the whole deposit of a reversed payment back, and block its payer.

    Returns the clawback, that is, the booking that takes the deposit back. A repeat returns the
    first clawback. If the deposit is not credited yet, it is never credited, and no money moves.

    `amount` is in minor units. `external_reference` is the id that the payment provider gave the
    payment; the deposit has the same reference. If there is no such deposit, one is recorded for
    the person `user_id`, so that a late message about the payment credits nothing. If `currency` is
    None, the currency is not compared.

    Locks the deposit, the person, their channels, their unapproved withdrawals, then the wallets.
    Raises InvalidAmount, NotFound, CurrencyMismatch. Raises PaymentMismatch if the deposit has
    another amount or currency.
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
    """Take a deposit back, block its payer, and return the booking (the clawback).

    If the deposit has a clawback already, nothing is changed, and that clawback is returned. The
    caller must have locked the row of the deposit.
    """
    first = await clawbacks.find_by_deposit(session, deposit.id)
    if first is not None:
        return first
    await user_blocks.block(
        session, actor=SYSTEM, user_id=deposit.user_id, role="system", deposit_id=deposit.id
    )
    return await clawbacks.record(session, deposit)
