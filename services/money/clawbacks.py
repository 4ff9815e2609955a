"""Take deposits back after their payers have reversed the payments (clawbacks)."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.losses import Clawback
from db.models.money import Deposit, DepositStatus, Reason, Withdrawal, WithdrawalStatus
from services.money import deposit_returns, ledger, losses, wallets, withdrawals
from services.platform import audit, outbox, transitions
from services.platform.actors import SYSTEM
from services.platform.transitions import ActorRole


async def find_by_deposit(session: AsyncSession, deposit_id: int) -> Clawback | None:
    """Return the clawback of a deposit, or None if the deposit was never reversed."""
    clawback: Clawback | None = await session.scalar(
        select(Clawback).where(Clawback.deposit_id == deposit_id)
    )
    return clawback


async def record(session: AsyncSession, deposit: Deposit) -> Clawback:
    """Take a deposit back after its payer has reversed the payment, and return the clawback.

    The money of unapproved withdrawals and of returns (deposits that Telegram was not yet asked to
    refund) goes back to the person's wallet. Then the wallet gives the
    amount, and the platform bears the rest as a loss. No money moves for a deposit that was not
    credited.

    The caller must have locked the deposit, then the person. Locks the unapproved withdrawals and
    returns, then the wallets. Raises InvalidMove, NotFound.
    """
    transitions.require(
        transitions.DEPOSIT,
        "deposit",
        deposit.id,
        status=deposit.status,
        wanted=DepositStatus.CLAWED_BACK,
        role=ActorRole.SYSTEM,
    )
    wallet = await wallets.of_user(session, deposit.user_id)
    recovered = loss = 0
    if deposit.status is DepositStatus.CREDITED:
        await withdrawals.return_unapproved(session, user_id=deposit.user_id)
        await deposit_returns.refuse_requested(session, user_id=deposit.user_id)
        recovered = min(await ledger.lock_wallet(session, wallet.id), deposit.amount)
        loss = deposit.amount - recovered
    clawback = Clawback(
        deposit_id=deposit.id,
        user_id=deposit.user_id,
        amount=deposit.amount,
        recovered=recovered,
        loss=loss,
        currency=wallet.currency,
    )
    session.add(clawback)
    deposit.status = DepositStatus.CLAWED_BACK
    await session.flush()
    if recovered + loss:
        await losses.post(
            session,
            key=f"clawback:{deposit.id}",
            reason=Reason.CLAWBACK,
            reference_id=clawback.id,
            wallet=wallet,
            recovered=recovered,
            loss=loss,
        )
    await _record_and_notify(session, clawback)
    return clawback


async def _record_and_notify(session: AsyncSession, clawback: Clawback) -> None:
    """Write the audit row of a clawback. Notify the admin chat and the payer.

    The message to the admin chat names the approved withdrawals, which nobody must pay now.
    """
    approved = await session.scalars(
        select(Withdrawal.id)
        .where(
            Withdrawal.user_id == clawback.user_id, Withdrawal.status == WithdrawalStatus.APPROVED
        )
        .order_by(Withdrawal.id)
    )
    await audit.record(
        session,
        actor=SYSTEM,
        action="deposit_clawed_back",
        role="system",
        deposit_id=clawback.deposit_id,
        clawback_id=clawback.id,
        payer_user_id=clawback.user_id,
        recovered=clawback.recovered,
        loss=clawback.loss,
    )
    await outbox.add(
        session,
        user_id=None,
        kind="deposit_clawed_back",
        payload={
            "clawback_id": clawback.id,
            "user_id": clawback.user_id,
            "amount": clawback.amount,
            "recovered": clawback.recovered,
            "loss": clawback.loss,
            "currency": clawback.currency,
            "approved": list(approved.all()),
        },
        key=f"deposit_clawed_back:{clawback.id}",
    )
    await outbox.add(
        session,
        user_id=clawback.user_id,
        kind="deposit_taken_back",
        payload={
            "amount": clawback.amount,
            "recovered": clawback.recovered,
            "loss": clawback.loss,
            "currency": clawback.currency,
        },
        key=f"deposit_taken_back:{clawback.id}",
    )
