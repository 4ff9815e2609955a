"""Clawbacks: the booking of payments that were reversed outside after they had arrived.

A reversal is a fact and is recorded whatever is stopped. The amount that is still in the person's
wallet is taken back; the rest is the platform's loss.
"""

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.money import Clawback, Deposit, DepositStatus, Reason, WalletKind
from db.money import MAX_AMOUNT
from services.money import ledger, wallets, withdrawals
from services.money.ledger import Leg
from services.platform import audit, errors, outbox, transitions
from services.platform.actors import SYSTEM
from services.platform.transitions import ActorRole


async def lock_deposit(
    session: AsyncSession, *, external_reference: str, user_id: int, amount: int, source: str
) -> Deposit:
    """Lock the deposit of a reversed payment; record the deposit if it never arrived here.

    `amount` in minor units. `external_reference` is the payment's own id outside. Raises
    InvalidAmount, NotFound; IdempotencyConflict when the payment was another person's or another
    amount.
    """
    if not 1 <= amount <= MAX_AMOUNT:
        raise errors.InvalidAmount(amount)
    wallet = await wallets.of_user(session, user_id)
    await session.execute(
        insert(Deposit)
        .values(
            user_id=user_id,
            amount=amount,
            currency=wallet.currency,
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
    deposit: Deposit = found.scalar_one()
    if (deposit.user_id, deposit.amount) != (user_id, amount):
        raise errors.IdempotencyConflict(external_reference)
    return deposit


async def of_deposit(session: AsyncSession, deposit_id: int) -> Clawback | None:
    """Return the clawback of a deposit, or None if the deposit was never reversed."""
    found: Clawback | None = await session.scalar(
        select(Clawback).where(Clawback.deposit_id == deposit_id)
    )
    return found


async def record(session: AsyncSession, deposit: Deposit) -> Clawback:
    """Take a locked deposit back, whole, and book what is missing as the platform's loss.

    A deposit that was not credited yet never will be, and no money moves. The caller has locked the
    deposit, then the person. Locks the person's unapproved withdrawals, then the wallets. Raises
    InvalidMove.
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
        recovered = min(await ledger.lock_wallet(session, wallet.id), deposit.amount)
        loss = deposit.amount - recovered
    made = Clawback(
        deposit_id=deposit.id,
        user_id=deposit.user_id,
        amount=deposit.amount,
        recovered=recovered,
        loss=loss,
        currency=wallet.currency,
    )
    session.add(made)
    deposit.status = DepositStatus.CLAWED_BACK
    await session.flush()
    if recovered + loss:
        await _post(session, made, wallet.id)
    await _record_and_notify(session, made)
    return made


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


async def _record_and_notify(session: AsyncSession, made: Clawback) -> None:
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
