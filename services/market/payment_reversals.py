"""Take back deposits whose payments were reversed, and block the payers."""

from sqlalchemy.ext.asyncio import AsyncSession

from db.models.money import Deposit
from services.market import user_blocks
from services.money import clawbacks, deposit_returns, deposits
from services.platform import errors, users
from services.platform.actors import SYSTEM


async def reverse(
    session: AsyncSession,
    *,
    external_reference: str,
    user_id: int | None,
    amount: int,
    source: str,
    currency: str | None = None,
) -> Deposit:
    """Take back the deposit of a reversed payment, block the payer, and return the deposit.

    If the platform is giving the deposit back, the reversal is the refund that it has asked for: it
    ends the return, and nobody is blocked. A repeated call changes nothing. An uncredited deposit
    is never credited afterwards. An unknown deposit is recorded for `user_id` without a credit.
    `amount` is in minor units, and a `currency` of None is not compared. Locks the deposit, the
    person, their channels, their unapproved withdrawals and returns, then the wallets. Raises
    InvalidAmount, CurrencyMismatch; NotFound if there is no deposit and no `user_id`;
    PaymentMismatch if the deposit has another amount or currency.
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
    if not await deposit_returns.record_refund(session, deposit):
        await _take_back(session, deposit)
    return deposit


async def block_payer(session: AsyncSession, external_reference: str) -> None:
    """Block the payer of a deposit whose refund has another amount or currency.

    The refund then waits for the staff. Until an admin unblocks the payer, the money cannot be
    spent or withdrawn. Does nothing for an unknown deposit, or for a payer with a role, whom only
    two super admins block. Locks the deposit, then what `user_blocks.block` locks.
    """
    deposit = await deposits.lock(session, external_reference)
    if deposit is not None and not await users.is_staff(session, deposit.user_id):
        await user_blocks.block(
            session, actor=SYSTEM, user_id=deposit.user_id, role="system", deposit_id=deposit.id
        )


async def _take_back(session: AsyncSession, deposit: Deposit) -> None:
    """Take back a deposit that the caller has locked, and block its payer."""
    if await clawbacks.find_by_deposit(session, deposit.id) is not None:
        return
    await user_blocks.block(
        session, actor=SYSTEM, user_id=deposit.user_id, role="system", deposit_id=deposit.id
    )
    await clawbacks.record(session, deposit)
