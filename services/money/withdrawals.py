"""Request withdrawals, approve them, mark them as paid, or return their money.

Until a withdrawal is paid or returned, its money is in the person's withdrawal wallet. Lock order:
the kill switch, the person, the withdrawal, then the wallets.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from db import queries
from db.models.money import Reason, WalletKind, Withdrawal, WithdrawalStatus
from db.models.operations import Switch
from db.models.users import User
from services.money import ledger, wallets
from services.money.ledger import Leg
from services.platform import audit, errors, killswitches, outbox, transitions
from services.platform.actors import MODERATORS, SYSTEM, Actor
from services.platform.transitions import ActorRole

REASON_LIMIT = 200
"""The greatest length of a reason, in characters."""
REFERENCE_LIMIT = 200
"""The greatest length of a reference, in characters."""
OPEN = (WithdrawalStatus.REQUESTED, WithdrawalStatus.APPROVED)
CANCELLED_REASON = "cancelled"
"""The stored reason of a return after the person cancelled the withdrawal."""
CLAWED_BACK_REASON = "clawed_back"
"""The stored reason of a return after a deposit of the same person was reversed outside."""


@dataclass(frozen=True)
class WithdrawalDetails:
    """A withdrawal for the staff's screens. The amount is in minor units, times have a zone."""

    withdrawal_id: int
    user_id: int
    telegram_id: int
    amount: int
    currency: str
    status: WithdrawalStatus
    blocked: bool
    created_at: datetime
    age: timedelta
    decided_by_telegram_id: int | None
    external_reference: str | None
    return_reason: str | None


async def request(session: AsyncSession, *, actor: Actor, amount: int, key: str) -> Withdrawal:
    """Request a withdrawal, and move its money into the person's withdrawal wallet.

    `amount` is in minor units. A second call with the same key and content returns the withdrawal
    of the first call. Locks the switch `withdrawals`, the key, the person, then the wallets. Raises
    AccessDenied, InvalidAmount, IdempotencyConflict, PersonBlocked, SwitchStopped, NotFound,
    InsufficientFunds.
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
    if (await _lock_person(session, user_id)).blocked:
        raise errors.PersonBlocked(user_id)
    await killswitches.require(session, Switch.WITHDRAWALS)
    wallet = await wallets.of_user(session, user_id)
    inserted = await session.execute(
        insert(Withdrawal)
        .values(key=key, user_id=user_id, amount=amount, currency=wallet.currency)
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
    await _record_and_notify(
        session, withdrawal, actor, "withdrawal_requested", role="owner", to_staff=True
    )
    return withdrawal


async def approve(session: AsyncSession, *, actor: Actor, withdrawal_id: int) -> Withdrawal:
    """Approve a withdrawal. After the approval, the withdrawal may be paid.

    If it is already approved or paid, nothing changes. If the person is blocked, the withdrawal is
    not approved and stays open. Locks the switch `withdrawals`, the person, then the withdrawal.
    Raises AccessDenied, NotFound, OwnMoney, InvalidMove, PersonBlocked, SwitchStopped.
    """
    role = actor.require_staff(*MODERATORS, action="withdrawal_approve")
    await killswitches.lock(session, Switch.WITHDRAWALS)
    withdrawal, person = await _lock(session, withdrawal_id, decided_by=actor)
    if withdrawal.status in {WithdrawalStatus.APPROVED, WithdrawalStatus.PAID}:
        return withdrawal
    _require_move(withdrawal, WithdrawalStatus.APPROVED, ActorRole(role.value))
    if person.blocked:
        raise errors.PersonBlocked(person.id)
    await killswitches.require(session, Switch.WITHDRAWALS)
    withdrawal.status = WithdrawalStatus.APPROVED
    withdrawal.decided_by = actor.user_id
    await session.flush()
    await _record_and_notify(session, withdrawal, actor, "withdrawal_approved", role=role)
    return withdrawal


async def mark_paid(
    session: AsyncSession, *, actor: Actor, withdrawal_id: int, external_reference: str
) -> Withdrawal:
    """Record that a withdrawal was paid outside.

    `external_reference` is the id that the payment has outside. The payment is a fact. It is
    recorded even if switches are stopped, the person is blocked or nobody approved the withdrawal.
    A second call with the same reference changes nothing. Locks the reference, the person, the
    withdrawal, then the wallets. Raises AccessDenied, NotFound, OwnMoney, InvalidMove, InvalidText.
    Raises IdempotencyConflict if the withdrawal has another reference, or if another withdrawal has
    this reference.
    """
    role = actor.require_staff(*MODERATORS, action="withdrawal_paid")
    external_reference = _require_text("external_reference", external_reference, REFERENCE_LIMIT)
    await queries.lock_key(session, f"withdrawal:{external_reference}")
    withdrawal, _ = await _lock(session, withdrawal_id, decided_by=actor)
    paid_id = await session.scalar(
        select(Withdrawal.id).where(Withdrawal.external_reference == external_reference)
    )
    if paid_id == withdrawal_id:
        return withdrawal
    if paid_id is not None or withdrawal.status is WithdrawalStatus.PAID:
        raise errors.IdempotencyConflict(external_reference)
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
    await session.flush()
    await _record_and_notify(session, withdrawal, actor, "withdrawal_paid", role=role)
    return withdrawal


async def return_money(
    session: AsyncSession, *, actor: Actor, withdrawal_id: int, reason: str
) -> Withdrawal:
    """Return the money of a withdrawal to its person, and notify the person of the reason.

    If the money is already returned, nothing changes. Locks the person, the withdrawal, then the
    wallets. Raises AccessDenied, NotFound, OwnMoney, InvalidMove, InvalidText.
    """
    role = actor.require_staff(*MODERATORS, action="withdrawal_return")
    reason = _require_text("reason", reason, REASON_LIMIT)
    withdrawal, _ = await _lock(session, withdrawal_id, decided_by=actor)
    if withdrawal.status is WithdrawalStatus.RETURNED:
        return withdrawal
    _require_move(withdrawal, WithdrawalStatus.RETURNED, ActorRole(role.value))
    withdrawal.decided_by = actor.user_id
    await _return_money(session, withdrawal, actor, reason=reason, role=role)
    return withdrawal


async def cancel(session: AsyncSession, *, actor: Actor, withdrawal_id: int) -> Withdrawal:
    """Cancel the person's own withdrawal and return its money, if nobody has approved it yet.

    If the money is already returned, nothing changes. Locks the person, the withdrawal, then the
    wallets. Raises NotFound, NotWithdrawalOwner, InvalidMove.
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
    """Return the money of all unapproved withdrawals of a person.

    The caller must have locked the person. This lock is enough, because every decision on a
    withdrawal locks the person first. Locks the wallets.
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


async def list_open(
    session: AsyncSession, *, limit: int, offset: int
) -> Sequence[WithdrawalDetails]:
    """Return a page of the withdrawals that staff must decide on or pay. The oldest comes first."""
    rows = await session.execute(
        _select_cards()
        .where(Withdrawal.status.in_(OPEN))
        .order_by(Withdrawal.id)
        .limit(limit)
        .offset(offset)
    )
    return [_to_card(row) for row in rows]


async def get_details(session: AsyncSession, withdrawal_id: int) -> WithdrawalDetails:
    """Return a withdrawal with the data that staff read. Raises NotFound."""
    row = (
        await session.execute(_select_cards().where(Withdrawal.id == withdrawal_id))
    ).one_or_none()
    if row is None:
        raise errors.NotFound("withdrawal", withdrawal_id)
    return _to_card(row)


async def of_user(
    session: AsyncSession, *, user_id: int, limit: int, offset: int
) -> Sequence[Withdrawal]:
    """Return a page of a person's withdrawals. The newest comes first."""
    rows = await session.scalars(
        select(Withdrawal)
        .where(Withdrawal.user_id == user_id)
        .order_by(Withdrawal.id.desc())
        .limit(limit)
        .offset(offset)
    )
    return rows.all()


async def get(session: AsyncSession, withdrawal_id: int) -> Withdrawal:
    """Return a withdrawal. Raises NotFound."""
    withdrawal = await session.get(Withdrawal, withdrawal_id)
    if withdrawal is None:
        raise errors.NotFound("withdrawal", withdrawal_id)
    return withdrawal


def _select_cards() -> Select[*tuple[Any, ...]]:
    decided_by = aliased(User)
    return (
        select(
            Withdrawal,
            User.telegram_id,
            User.blocked,
            (func.clock() - Withdrawal.created_at).label("age"),
            decided_by.telegram_id.label("decided_by"),
        )
        .join(User, User.id == Withdrawal.user_id)
        .outerjoin(decided_by, decided_by.id == Withdrawal.decided_by)
        .execution_options(populate_existing=True)
    )


def _to_card(row: Any) -> WithdrawalDetails:
    withdrawal: Withdrawal = row.Withdrawal
    return WithdrawalDetails(
        withdrawal_id=withdrawal.id,
        user_id=withdrawal.user_id,
        telegram_id=row.telegram_id,
        amount=withdrawal.amount,
        currency=withdrawal.currency,
        status=withdrawal.status,
        blocked=row.blocked,
        created_at=withdrawal.created_at,
        age=row.age,
        decided_by_telegram_id=row.decided_by,
        external_reference=withdrawal.external_reference,
        return_reason=withdrawal.return_reason,
    )


def _require_text(field: str, text: str, limit: int) -> str:
    """Return a text without spaces at its ends. Raises InvalidText if it is empty or too long."""
    text = text.strip()
    if not 1 <= len(text) <= limit:
        raise errors.InvalidText(field, limit, len(text))
    return text


async def _lock_person(session: AsyncSession, user_id: int) -> User:
    """Lock a person (shared). Nobody can block the person before this transaction ends."""
    found = await session.execute(
        select(User)
        .where(User.id == user_id)
        .with_for_update(read=True)
        .execution_options(populate_existing=True)
    )
    return found.scalar_one()


async def _lock(
    session: AsyncSession, withdrawal_id: int, *, decided_by: Actor | None = None
) -> tuple[Withdrawal, User]:
    """Lock first the person of a withdrawal, then the withdrawal.

    Raises NotFound. Raises OwnMoney if this person is also the actor `decided_by`.
    """
    user_id = (await get(session, withdrawal_id)).user_id
    if decided_by is not None and decided_by.user_id == user_id:
        raise errors.OwnMoney(withdrawal_id)
    person = await _lock_person(session, user_id)
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
    """Book a withdrawal's last transfer to the wallet `to`, and set the withdrawal's final status.

    The caller must flush the session afterwards.
    """
    reason = Reason.WITHDRAWAL if status is WithdrawalStatus.PAID else Reason.WITHDRAWAL_RETURN
    holding = await ledger.open_wallet(
        session, WalletKind.WITHDRAWAL, currency=withdrawal.currency, user_id=withdrawal.user_id
    )
    await ledger.post(
        session,
        key=f"{reason}:{withdrawal.id}",
        reason=reason,
        reference_id=withdrawal.id,
        legs=[Leg(holding, -withdrawal.amount, reason), Leg(to, withdrawal.amount, reason)],
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
    await _record_and_notify(session, withdrawal, actor, "withdrawal_returned", role=role)


async def _record_and_notify(
    session: AsyncSession,
    withdrawal: Withdrawal,
    actor: Actor,
    action: str,
    *,
    role: str,
    to_staff: bool = False,
) -> None:
    """Write the audit row of a change, and the outbox row for the person or the staff."""
    await audit.record(
        session,
        actor=actor,
        action=action,
        role=role,
        withdrawal_id=withdrawal.id,
        withdrawal_user_id=withdrawal.user_id,
        amount=withdrawal.amount,
    )
    await outbox.add(
        session,
        user_id=None if to_staff else withdrawal.user_id,
        kind="withdrawal_changed",
        payload={"withdrawal_id": withdrawal.id, "status": withdrawal.status.value},
        key=f"{action}:{withdrawal.id}",
    )
