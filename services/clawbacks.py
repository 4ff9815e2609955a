"""Payments that were taken back outside after they had arrived.

A fact, recorded whatever is stopped: what is still there is taken back, the rest is the platform's
loss, and the person is blocked.
"""

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.money import Clawback, Deposit, DepositStatus, Reason, WalletKind
from db.money import MAX_AMOUNT
from services import audit, blocks, errors, ledger, lifecycle, outbox, users, withdrawals
from services.actors import SYSTEM
from services.ledger import Leg
from services.lifecycle import Who


async def clawback(
    session: AsyncSession, *, external_reference: str, user_id: int, amount: int, source: str
) -> Clawback:
    """Take a reversed payment back, whole (minor units); reversed before: the first result.

    `external_reference` is the payment's own id outside, under which it was deposited. One that was
    not credited yet never will be, and no money moves; one that never came here is recorded with
    its deposit, so that a late word of it credits nothing. Locks the deposit, the person, their
    unapproved withdrawals, then the wallets. Raises InvalidAmount, NotFound; IdempotencyConflict
    when the payment was another person's or another amount.
    """
    if not 1 <= amount <= MAX_AMOUNT:
        raise errors.InvalidAmount(amount)
    wallet = await users.wallet_of(session, user_id)
    payment = await _lock_deposit(
        session,
        external_reference=external_reference,
        user_id=user_id,
        amount=amount,
        source=source,
        currency=wallet.currency,
    )
    first: Clawback | None = await session.scalar(
        select(Clawback).where(Clawback.deposit_id == payment.id)
    )
    if first is not None:
        return first
    lifecycle.require(
        lifecycle.DEPOSIT,
        "deposit",
        payment.id,
        status=payment.status,
        wanted=DepositStatus.CLAWED_BACK,
        who=Who.SYSTEM,
    )
    await blocks.block(session, actor=SYSTEM, user_id=user_id, role="system", deposit_id=payment.id)
    recovered = loss = 0
    if payment.status is DepositStatus.CREDITED:
        await withdrawals.return_unapproved(session, user_id=user_id)
        recovered = min(await ledger.lock_wallet(session, wallet.id), amount)
        loss = amount - recovered
    made = Clawback(
        deposit_id=payment.id,
        user_id=user_id,
        amount=amount,
        recovered=recovered,
        loss=loss,
        currency=wallet.currency,
    )
    session.add(made)
    payment.status = DepositStatus.CLAWED_BACK
    await session.flush()
    if recovered + loss:
        await _post(session, made, wallet.id)
    await _tell(session, made)
    return made


async def _lock_deposit(
    session: AsyncSession,
    *,
    external_reference: str,
    user_id: int,
    amount: int,
    source: str,
    currency: str,
) -> Deposit:
    """Lock the payment's deposit, recorded now if it never was. Raises IdempotencyConflict."""
    await session.execute(
        insert(Deposit)
        .values(
            user_id=user_id,
            amount=amount,
            currency=currency,
            source=source,
            external_reference=external_reference,
        )
        .on_conflict_do_nothing(index_elements=["external_reference"])
    )
    found = await session.execute(
        select(Deposit)
        .where(Deposit.external_reference == external_reference)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    payment: Deposit = found.scalar_one()
    if (payment.user_id, payment.amount) != (user_id, amount):
        raise errors.IdempotencyConflict(external_reference)
    return payment


async def _post(session: AsyncSession, made: Clawback, wallet_id: int) -> None:
    """Give the outside what it took: from the person what is there, the rest from the platform."""
    outside = await ledger.open_wallet(
        session,
        WalletKind.EXTERNAL,
        currency=made.currency,
        counterparty_id=made.user_id,
    )
    legs = [Leg(outside, made.amount, Reason.CLAWBACK)]
    if made.recovered:
        legs.append(Leg(wallet_id, -made.recovered, Reason.CLAWBACK))
    if made.loss:
        losses = await ledger.open_wallet(
            session, WalletKind.LOSS, currency=made.currency, counterparty_id=made.user_id
        )
        legs.append(Leg(losses, -made.loss, Reason.CLAWBACK))
    await ledger.post(
        session,
        key=f"clawback:{made.deposit_id}",
        reason=Reason.CLAWBACK,
        reference_id=made.id,
        legs=legs,
    )


async def _tell(session: AsyncSession, made: Clawback) -> None:
    await audit.record(
        session,
        actor=SYSTEM,
        action="deposit_clawed_back",
        role="system",
        deposit_id=made.deposit_id,
        clawback_id=made.id,
        payer_user_id=made.user_id,
        recovered=made.recovered,
        loss=made.loss,
    )
    await outbox.add(
        session,
        user_id=None,
        kind="deposit_clawed_back",
        payload={
            "clawback_id": made.id,
            "user_id": made.user_id,
            "amount": made.amount,
            "recovered": made.recovered,
            "loss": made.loss,
            "currency": made.currency,
        },
        key=f"deposit_clawed_back:{made.id}",
    )
