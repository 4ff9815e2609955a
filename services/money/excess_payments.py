"""Record payments in excess: payments for a withdrawal that was already paid or returned."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.losses import ExcessPayment
from db.models.money import Reason, Withdrawal, WithdrawalStatus
from services.money import external_references, ledger, losses, wallets, withdrawals
from services.platform import audit, errors, outbox
from services.platform.actors import MODERATORS, Actor

ENDED = (WithdrawalStatus.PAID, WithdrawalStatus.RETURNED)


async def record(
    session: AsyncSession, *, actor: Actor, withdrawal_id: int, external_reference: str
) -> ExcessPayment:
    """Record a payment in excess, and take its amount from the wallet of the person who was paid.

    The amount is what is paid for the withdrawal: without the fee.

    The money of unapproved withdrawals goes back to the person's wallet. Then the wallet gives the
    amount, and the platform bears the rest as a loss. `external_reference` is the provider's id of
    the payment. A second call with the same reference changes nothing.

    The caller ensures that two people have decided this. Locks the reference, the person, the
    withdrawal, the unapproved withdrawals, then the wallets. Raises AccessDenied, NotFound,
    OwnMoney, InvalidText; InvalidMove if the withdrawal is neither paid nor returned;
    IdempotencyConflict if the reference belongs to another payment.
    """
    role = actor.require_staff(*MODERATORS, action="excess_payment")
    external_reference = await external_references.lock(session, external_reference)
    withdrawal = await withdrawals.lock_for_decision(session, withdrawal_id, actor)
    first = await find(session, external_reference)
    if first is not None and first.withdrawal_id == withdrawal_id:
        return first
    if await external_references.find_paid(session, external_reference) is not None:
        raise errors.IdempotencyConflict(external_reference)
    if withdrawal.status not in ENDED:
        raise errors.InvalidMove(
            "withdrawal", withdrawal_id, withdrawal.status, WithdrawalStatus.PAID
        )
    await withdrawals.return_unapproved(session, user_id=withdrawal.user_id)
    wallet = await wallets.of_user(session, withdrawal.user_id)
    recovered = min(await ledger.lock_wallet(session, wallet.id), withdrawal.payable)
    payment = ExcessPayment(
        withdrawal_id=withdrawal_id,
        user_id=withdrawal.user_id,
        amount=withdrawal.payable,
        recovered=recovered,
        loss=withdrawal.payable - recovered,
        currency=withdrawal.currency,
        external_reference=external_reference,
        recorded_by=queries.required(actor.user_id),
    )
    session.add(payment)
    await external_references.flush(session, external_reference)
    await losses.post(
        session,
        key=f"excess_payment:{payment.id}",
        reason=Reason.EXCESS_PAYMENT,
        reference_id=payment.id,
        wallet=wallet,
        recovered=payment.recovered,
        loss=payment.loss,
    )
    await _record_and_notify(session, payment, withdrawal, actor, role=role)
    return payment


async def find(session: AsyncSession, external_reference: str) -> ExcessPayment | None:
    """Return the payment in excess with this external reference, or None."""
    payment: ExcessPayment | None = await session.scalar(
        select(ExcessPayment).where(ExcessPayment.external_reference == external_reference)
    )
    return payment


async def _record_and_notify(
    session: AsyncSession,
    payment: ExcessPayment,
    withdrawal: Withdrawal,
    actor: Actor,
    *,
    role: str,
) -> None:
    await audit.record(
        session,
        actor=actor,
        action="excess_payment_recorded",
        role=role,
        excess_payment_id=payment.id,
        withdrawal_id=withdrawal.id,
        paid_user_id=payment.user_id,
        recovered=payment.recovered,
        loss=payment.loss,
    )
    for receiver, user_id in (("staff", None), ("person", payment.user_id)):
        await outbox.add(
            session,
            user_id=user_id,
            kind="excess_payment",
            payload={
                "to": receiver,
                "withdrawal_id": withdrawal.id,
                "user_id": payment.user_id,
                "amount": payment.amount,
                "recovered": payment.recovered,
                "loss": payment.loss,
                "currency": payment.currency,
            },
            key=f"excess_payment:{payment.id}:{receiver}",
        )
