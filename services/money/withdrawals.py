"""Request, approve, pay and return withdrawals.

Locks are taken in this order: the kill switch, the person, the withdrawal, then the wallets.
"""

from collections.abc import Sequence
from functools import cache

from sqlalchemy import BigInteger, Select, bindparam, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.money import Reason, WalletKind, Withdrawal, WithdrawalStatus
from db.models.operations import Switch
from db.models.users import User
from db.session import sqlstate
from services.money import (
    destinations,
    external_references,
    ledger,
    payees,
    payment_claims,
    payout_holds,
    wallets,
    withdrawal_notices,
)
from services.money.ledger import Leg
from services.money.payout_terms import FREE_OF_CHARGE, PayoutTerms
from services.platform import errors, killswitches, transitions
from services.platform.actors import MODERATORS, SYSTEM, Actor
from services.platform.payout_errors import DestinationDropped, FeeChanged
from services.platform.transitions import ActorRole

REASON_LIMIT = 200
"""The greatest length of a reason, in characters."""
CANCELLED_REASON = "cancelled"
"""The stored reason if the person cancels the withdrawal."""
CLAWED_BACK_REASON = "clawed_back"
"""The stored reason if the payer of a deposit reversed the payment."""
_NOT_COMPARED, _DROPPED = "AD053", "AD121"


async def request(
    session: AsyncSession,
    *,
    actor: Actor,
    amount: int,
    key: str,
    terms: PayoutTerms = FREE_OF_CHARGE,
    agreed_fee: int | None = None,
    destination_id: int | None = None,
) -> Withdrawal:
    """Request a withdrawal, and move its money into the person's withdrawal wallet.

    `amount` is in minor units. The fee of `terms` stays as it is at the request, and must be
    `agreed_fee`, the fee that the person has read (None: it is not compared). A second call with
    the same key and content returns the first request. `destination_id` says where the person is
    paid; None if the platform offers no method.

    Locks the kill switch `withdrawals`, the key, the person, then the wallets. Raises AccessDenied,
    InvalidAmount, IdempotencyConflict, BelowMinimum, FeeChanged, PersonBlocked, OpenLoss,
    SwitchStopped, NotFound, InsufficientFunds, NotYetWithdrawable; DestinationMissing if the
    destination is not a current one of this person; DestinationTooNew if it was changed within the
    last 24 hours.
    """
    user_id = actor.require_user(action="withdrawal_request")
    await killswitches.lock(session, Switch.WITHDRAWALS)
    await queries.lock_key(session, key)
    wallets.require_amount(amount)
    first: Withdrawal | None = await session.scalar(select(Withdrawal).where(Withdrawal.key == key))
    if first is not None:
        if (first.user_id, first.amount) != (user_id, amount):
            raise errors.IdempotencyConflict(key)
        return first
    if amount < terms.least:
        raise errors.BelowMinimum(terms.least)
    fee = terms.fee(amount)
    if agreed_fee not in {None, fee}:
        raise FeeChanged(fee)
    if destination_id is not None:
        await destinations.require_usable(session, user_id=user_id, destination_id=destination_id)
    await payees.require_payable(session, await payees.lock(session, user_id))
    await killswitches.require(session, Switch.WITHDRAWALS)
    wallet = await wallets.of_user(session, user_id)
    await payout_holds.require_free(session, wallet, amount, terms)
    inserted = await session.execute(
        insert(Withdrawal)
        .values(
            key=key,
            user_id=user_id,
            amount=amount,
            currency=wallet.currency,
            destination_id=destination_id,
            fee=fee,
            hold_days=terms.hold_days(wallet.currency),
        )
        .returning(Withdrawal)
    )
    withdrawal: Withdrawal = inserted.scalar_one()
    holding = await ledger.open_wallet(
        session, WalletKind.WITHDRAWAL, currency=wallet.currency, user_id=user_id
    )
    await ledger.post(
        session,
        key=f"withdrawal_hold:{withdrawal.id}",
        reason=Reason.WITHDRAWAL_HOLD,
        reference_id=withdrawal.id,
        legs=[
            Leg(wallet.id, -amount, Reason.WITHDRAWAL_HOLD),
            Leg(holding, amount, Reason.WITHDRAWAL_HOLD),
        ],
        actor_id=user_id,
    )
    await withdrawal_notices.record(
        session,
        withdrawal,
        actor,
        "withdrawal_requested",
        role="owner",
        staff_in=await withdrawal_notices.staff_delay(session, user_id),
    )
    return withdrawal


async def approve(session: AsyncSession, *, actor: Actor, withdrawal_id: int) -> Withdrawal:
    """Approve a withdrawal, so that an admin can pay it.

    If the withdrawal is already approved or paid, nothing changes. Locks the kill switch
    `withdrawals`, the person, then the withdrawal. Raises AccessDenied, NotFound, OwnMoney,
    InvalidMove, PersonBlocked, OpenLoss, SwitchStopped; NotCompared if a deposit in Stars that can
    pay the withdrawal is not compared with Telegram's list; DestinationDropped if the person has
    dropped the destination. After these two, the caller must roll back.
    """
    role = actor.require_staff(*MODERATORS, action="withdrawal_approve")
    await killswitches.lock(session, Switch.WITHDRAWALS)
    withdrawal, person = await _lock(session, withdrawal_id, decided_by=actor)
    if withdrawal.status in {WithdrawalStatus.APPROVED, WithdrawalStatus.PAID}:
        return withdrawal
    _require_move(withdrawal, WithdrawalStatus.APPROVED, ActorRole(role.value))
    await payees.require_payable(session, person)
    await killswitches.require(session, Switch.WITHDRAWALS)
    withdrawal.status = WithdrawalStatus.APPROVED
    withdrawal.decided_by = actor.user_id
    try:
        await session.flush()
    except DBAPIError as error:
        if sqlstate(error) == _NOT_COMPARED:
            raise errors.NotCompared(withdrawal_id) from error
        if sqlstate(error) == _DROPPED:
            raise DestinationDropped(withdrawal_id) from error
        raise
    await withdrawal_notices.record(session, withdrawal, actor, "withdrawal_approved", role=role)
    return withdrawal


async def mark_paid(
    session: AsyncSession,
    *,
    actor: Actor,
    withdrawal_id: int,
    external_reference: str,
    confirmed: bool = False,
) -> Withdrawal:
    """Record that an admin has paid a withdrawal outside the platform.

    `external_reference` is the id of the payment. `confirmed` says whether a second person has
    confirmed the payment. No kill switch and no block of the person prevents the record. A second
    call with the same reference changes nothing.

    Locks the reference, the person, the withdrawal, then the wallets. Raises AccessDenied,
    NotFound, OwnMoney, InvalidText. Raises SecondPersonNeeded if nobody approved the withdrawal and
    `confirmed` is False, or if the withdrawal is already paid or returned. Raises
    IdempotencyConflict if another payment has this reference.
    """
    role = actor.require_staff(*MODERATORS, action="withdrawal_paid")
    external_reference = await external_references.lock(session, external_reference)
    withdrawal = await lock_for_decision(session, withdrawal_id, actor)
    paid_id = await external_references.find_paid(session, external_reference)
    if paid_id == withdrawal_id:
        return withdrawal
    if paid_id is not None:
        raise errors.IdempotencyConflict(external_reference)
    if withdrawal.status is not WithdrawalStatus.APPROVED and not (
        confirmed and withdrawal.status is WithdrawalStatus.REQUESTED
    ):
        raise errors.SecondPersonNeeded(withdrawal_id, withdrawal.status)
    _require_move(withdrawal, WithdrawalStatus.PAID, ActorRole(role.value))
    outside = await ledger.open_wallet(
        session,
        WalletKind.EXTERNAL,
        currency=withdrawal.currency,
        counterparty_id=withdrawal.user_id,
    )
    await _settle(session, withdrawal, actor, WithdrawalStatus.PAID, outside)
    withdrawal.external_reference = external_reference
    if withdrawal.decided_by is None:
        withdrawal.decided_by = actor.user_id
    await external_references.flush(session, external_reference)
    await withdrawal_notices.record(session, withdrawal, actor, "withdrawal_paid", role=role)
    return withdrawal


async def return_money(
    session: AsyncSession, *, actor: Actor, withdrawal_id: int, reason: str
) -> Withdrawal:
    """Return the money of a withdrawal to its person, and notify the person.

    If the money is already returned, nothing changes. Locks the person, the withdrawal, then the
    wallets. Raises AccessDenied, NotFound, OwnMoney, InvalidMove, InvalidText; PaymentClaimed if
    another admin has a valid claim on the payment.
    """
    role = actor.require_staff(*MODERATORS, action="withdrawal_return")
    reason = _require_text("reason", reason, REASON_LIMIT)
    withdrawal, _ = await _lock(session, withdrawal_id, decided_by=actor)
    if withdrawal.status is WithdrawalStatus.RETURNED:
        return withdrawal
    _require_move(withdrawal, WithdrawalStatus.RETURNED, ActorRole(role.value))
    await payment_claims.require_unclaimed(session, withdrawal, actor)
    withdrawal.decided_by = actor.user_id
    await _return_money(session, withdrawal, actor, reason=reason, role=role)
    return withdrawal


async def cancel(session: AsyncSession, *, actor: Actor, withdrawal_id: int) -> Withdrawal:
    """Cancel a withdrawal of the actor, and return its money.

    If the money is already returned, nothing changes. Locks the person, the withdrawal, then the
    wallets. Raises NotFound, NotWithdrawalOwner; InvalidMove if the withdrawal is approved or paid.
    """
    withdrawal, _ = await _lock(session, withdrawal_id)
    if withdrawal.user_id != actor.user_id:
        raise errors.NotWithdrawalOwner(withdrawal_id)
    if withdrawal.status is WithdrawalStatus.RETURNED:
        return withdrawal
    _require_move(withdrawal, WithdrawalStatus.RETURNED, ActorRole.OWNER)
    await _return_money(session, withdrawal, actor, reason=CANCELLED_REASON, role="owner")
    return withdrawal


async def return_unapproved(session: AsyncSession, *, user_id: int) -> None:
    """Return the money of all unapproved withdrawals of a person to the person's wallet.

    The caller must have locked the person. Locks the wallets.
    """
    requested = await session.scalars(
        select(Withdrawal)
        .where(
            Withdrawal.user_id == user_id,
            Withdrawal.status == WithdrawalStatus.REQUESTED,
        )
        .order_by(Withdrawal.id)
        .execution_options(populate_existing=True)
    )
    for withdrawal in requested.all():
        _require_move(withdrawal, WithdrawalStatus.RETURNED, ActorRole.SYSTEM)
        await _return_money(session, withdrawal, SYSTEM, reason=CLAWED_BACK_REASON, role="system")


async def of_user(
    session: AsyncSession, *, user_id: int, limit: int, offset: int
) -> Sequence[Withdrawal]:
    """Return a page of a person's withdrawals, the newest first."""
    rows = await session.scalars(_page(limit), {"user_id": user_id, "offset": offset})
    return rows.all()


@cache
def _page(limit: int) -> Select[Withdrawal]:
    return (
        select(Withdrawal)
        .where(Withdrawal.user_id == bindparam("user_id", type_=BigInteger))
        .order_by(Withdrawal.id.desc())
        .limit(limit)
        .offset(bindparam("offset", type_=BigInteger))
    )


async def lock_for_decision(session: AsyncSession, withdrawal_id: int, actor: Actor) -> Withdrawal:
    """Lock a withdrawal and its person for a decision by the actor. Return the withdrawal.

    Raises NotFound; OwnMoney if the withdrawal belongs to the actor.
    """
    withdrawal, _ = await _lock(session, withdrawal_id, decided_by=actor)
    return withdrawal


async def get(session: AsyncSession, withdrawal_id: int) -> Withdrawal:
    """Return a withdrawal. Raises NotFound."""
    withdrawal = await session.get(Withdrawal, withdrawal_id)
    if withdrawal is None:
        raise errors.NotFound("withdrawal", withdrawal_id)
    return withdrawal


async def get_own(session: AsyncSession, *, actor: Actor, withdrawal_id: int) -> Withdrawal:
    """Return one of the actor's own withdrawals. Raises NotFound, NotWithdrawalOwner."""
    withdrawal = await get(session, withdrawal_id)
    if withdrawal.user_id != actor.user_id:
        raise errors.NotWithdrawalOwner(withdrawal_id)
    return withdrawal


def _require_text(field: str, text: str, limit: int) -> str:
    text = text.strip()
    if not 1 <= len(text) <= limit:
        raise errors.InvalidText(field, limit, len(text))
    return text


async def _lock(
    session: AsyncSession, withdrawal_id: int, *, decided_by: Actor | None = None
) -> tuple[Withdrawal, User]:
    """Lock the person of a withdrawal, then the withdrawal."""
    user_id = (await get(session, withdrawal_id)).user_id
    if decided_by is not None and decided_by.user_id == user_id:
        raise errors.OwnMoney(withdrawal_id)
    person = await payees.lock(session, user_id)
    withdrawal = await session.get_one(
        Withdrawal, withdrawal_id, with_for_update=True, populate_existing=True
    )
    return withdrawal, person


def _require_move(withdrawal: Withdrawal, status: WithdrawalStatus, role: ActorRole) -> None:
    transitions.require(
        transitions.WITHDRAWAL,
        "withdrawal",
        withdrawal.id,
        status=withdrawal.status,
        wanted=status,
        role=role,
    )


async def _settle(
    session: AsyncSession, withdrawal: Withdrawal, actor: Actor, status: WithdrawalStatus, to: int
) -> None:
    """Move a withdrawal's money to `to`, and set the final status without a flush.

    If it is paid, the platform keeps the fee.
    """
    is_paid = status is WithdrawalStatus.PAID
    reason = Reason.WITHDRAWAL if is_paid else Reason.WITHDRAWAL_RETURN
    fee = withdrawal.fee if is_paid else 0
    holding = await ledger.open_wallet(
        session, WalletKind.WITHDRAWAL, currency=withdrawal.currency, user_id=withdrawal.user_id
    )
    legs = [Leg(holding, -withdrawal.amount, reason), Leg(to, withdrawal.amount - fee, reason)]
    if fee:
        revenue = await ledger.open_wallet(
            session,
            WalletKind.REVENUE,
            currency=withdrawal.currency,
            counterparty_id=withdrawal.user_id,
        )
        legs.append(Leg(revenue, fee, Reason.WITHDRAWAL_FEE))
    await ledger.post(
        session,
        key=f"{reason}:{withdrawal.id}",
        reason=reason,
        reference_id=withdrawal.id,
        legs=legs,
        actor_id=actor.user_id,
    )
    withdrawal.settled_at = await queries.now(session)
    withdrawal.status = status


async def _return_money(
    session: AsyncSession, withdrawal: Withdrawal, actor: Actor, *, reason: str, role: str
) -> None:
    wallet = await wallets.of_user(session, withdrawal.user_id)
    await _settle(session, withdrawal, actor, WithdrawalStatus.RETURNED, wallet.id)
    withdrawal.return_reason = reason
    await session.flush()
    await withdrawal_notices.record(session, withdrawal, actor, "withdrawal_returned", role=role)
