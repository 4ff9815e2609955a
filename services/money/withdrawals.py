"""Money on its way out: asked for by a person, approved and paid by staff, or given back.

While it waits it is in the person's own withdrawal wallet. Lock order: the switch, the person, the
withdrawal, then the wallets.
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
from db.money import MAX_AMOUNT
from services.money import ledger, wallets
from services.money.ledger import Leg
from services.platform import audit, errors, killswitches, outbox, transitions
from services.platform.actors import MODERATORS, SYSTEM, Actor
from services.platform.transitions import ActorRole

REASON_LIMIT = 200
REFERENCE_LIMIT = 200
OPEN = (WithdrawalStatus.REQUESTED, WithdrawalStatus.APPROVED)
CANCELLED = "cancelled"
"""The reason of a withdrawal that its own person took back."""
CLAWED_BACK = "clawed_back"
"""The reason of one that was returned because a deposit of its person was reversed."""


@dataclass(frozen=True)
class Card:
    """A withdrawal as staff see it. Minor units; times aware."""

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
    """Set a person's money (minor units) aside to be paid out; with the same key: the first one.

    Locks the switch `withdrawals`, the key, the person, then the wallets. Raises InvalidAmount,
    IdempotencyConflict, PersonBlocked, SwitchStopped, InsufficientFunds.
    """
    if actor.user_id is None:
        raise errors.AccessDenied("withdrawal_request")
    await killswitches.lock(session, Switch.WITHDRAWALS)
    await queries.lock_key(session, key)
    if not 1 <= amount <= MAX_AMOUNT:
        raise errors.InvalidAmount(amount)
    first: Withdrawal | None = await session.scalar(select(Withdrawal).where(Withdrawal.key == key))
    if first is not None:
        if (first.user_id, first.amount) != (actor.user_id, amount):
            raise errors.IdempotencyConflict(key)
        return first
    if (await _lock_person(session, actor.user_id)).blocked:
        raise errors.PersonBlocked(actor.user_id)
    await killswitches.require(session, Switch.WITHDRAWALS)
    wallet = await wallets.of_user(session, actor.user_id)
    made = await session.execute(
        insert(Withdrawal)
        .values(key=key, user_id=actor.user_id, amount=amount, currency=wallet.currency)
        .returning(Withdrawal)
    )
    wanted: Withdrawal = made.scalar_one()
    holding = await ledger.open_wallet(
        session, WalletKind.WITHDRAWAL, currency=wallet.currency, user_id=actor.user_id
    )
    await ledger.post(
        session,
        key=f"withdrawal_hold:{wanted.id}",
        reason=Reason.WITHDRAWAL_HOLD,
        reference_id=wanted.id,
        legs=[
            Leg(wallet.id, -amount, Reason.WITHDRAWAL_HOLD),
            Leg(holding, amount, Reason.WITHDRAWAL_HOLD),
        ],
        actor_id=actor.user_id,
    )
    await _tell(session, wanted, actor, "withdrawal_requested", role="owner", to_staff=True)
    return wanted


async def approve(session: AsyncSession, *, actor: Actor, withdrawal_id: int) -> Withdrawal:
    """Let a withdrawal be paid; approved before: the first result. A blocked person's waits.

    Locks the switch `withdrawals`, the person, the withdrawal. Raises AccessDenied, NotFound,
    OwnMoney, InvalidMove, PersonBlocked, SwitchStopped.
    """
    role = actor.require_staff(*MODERATORS, action="withdrawal_approve")
    await killswitches.lock(session, Switch.WITHDRAWALS)
    wanted, person = await _lock(session, withdrawal_id, decided_by=actor)
    if wanted.status in {WithdrawalStatus.APPROVED, WithdrawalStatus.PAID}:
        return wanted
    _require_move(wanted, WithdrawalStatus.APPROVED, ActorRole(role.value))
    if person.blocked:
        raise errors.PersonBlocked(person.id)
    await killswitches.require(session, Switch.WITHDRAWALS)
    wanted.status = WithdrawalStatus.APPROVED
    wanted.decided_by = actor.user_id
    await session.flush()
    await _tell(session, wanted, actor, "withdrawal_approved", role=role)
    return wanted


async def mark_paid(
    session: AsyncSession, *, actor: Actor, withdrawal_id: int, external_reference: str
) -> Withdrawal:
    """Record that the money was paid outside, under the outside payment's own id.

    A fact: recorded whatever is stopped or blocked, also of a withdrawal that nobody had approved.
    With the same reference: the first result. Locks the person, the withdrawal, then the wallets.
    Raises AccessDenied, NotFound, OwnMoney, InvalidMove, InvalidText; IdempotencyConflict for
    another reference, or one that another withdrawal has.
    """
    role = actor.require_staff(*MODERATORS, action="withdrawal_paid")
    external_reference = external_reference.strip()
    if not 1 <= len(external_reference) <= REFERENCE_LIMIT:
        raise errors.InvalidText("external_reference", REFERENCE_LIMIT, len(external_reference))
    await queries.lock_key(session, f"withdrawal:{external_reference}")
    wanted, _ = await _lock(session, withdrawal_id, decided_by=actor)
    taken = await session.scalar(
        select(Withdrawal.id).where(Withdrawal.external_reference == external_reference)
    )
    if taken == withdrawal_id:
        return wanted
    if taken is not None or wanted.status is WithdrawalStatus.PAID:
        raise errors.IdempotencyConflict(external_reference)
    _require_move(wanted, WithdrawalStatus.PAID, ActorRole(role.value))
    outside = await ledger.open_wallet(
        session,
        WalletKind.EXTERNAL,
        currency=wanted.currency,
        counterparty_id=wanted.user_id,
    )
    await _settle(session, wanted, actor, WithdrawalStatus.PAID, to=outside)
    wanted.external_reference = external_reference
    if wanted.decided_by is None:
        wanted.decided_by = actor.user_id
    await session.flush()
    await _tell(session, wanted, actor, "withdrawal_paid", role=role)
    return wanted


async def return_money(
    session: AsyncSession, *, actor: Actor, withdrawal_id: int, reason: str
) -> Withdrawal:
    """Give the money back to the person, who is told the reason; returned before: the first result.

    Locks the person, the withdrawal, then the wallets. Raises AccessDenied, NotFound, OwnMoney,
    InvalidMove, InvalidText.
    """
    role = actor.require_staff(*MODERATORS, action="withdrawal_return")
    reason = reason.strip()
    if not 1 <= len(reason) <= REASON_LIMIT:
        raise errors.InvalidText("reason", REASON_LIMIT, len(reason))
    wanted, _ = await _lock(session, withdrawal_id, decided_by=actor)
    if wanted.status is WithdrawalStatus.RETURNED:
        return wanted
    _require_move(wanted, WithdrawalStatus.RETURNED, ActorRole(role.value))
    wanted.decided_by = actor.user_id
    await _give_back(session, wanted, actor, reason=reason, role=role)
    return wanted


async def cancel(session: AsyncSession, *, actor: Actor, withdrawal_id: int) -> Withdrawal:
    """Take one's own wish back while nobody has approved it; cancelled before: the first result.

    Locks the person, the withdrawal, then the wallets. Raises NotFound, NotWithdrawalOwner,
    InvalidMove.
    """
    wanted, _ = await _lock(session, withdrawal_id)
    if wanted.user_id != actor.user_id:
        raise errors.NotWithdrawalOwner(withdrawal_id)
    if wanted.status is WithdrawalStatus.RETURNED:
        return wanted
    _require_move(wanted, WithdrawalStatus.RETURNED, ActorRole.OWNER)
    await _give_back(session, wanted, actor, reason=CANCELLED, role="owner")
    return wanted


async def return_unapproved(session: AsyncSession, *, user_id: int) -> None:
    """Give a person back what nobody has approved yet; the caller has locked the person.

    That is enough: whoever decides on one of their withdrawals locks them first.
    """
    waiting = await session.scalars(
        select(Withdrawal)
        .where(
            Withdrawal.user_id == user_id,
            Withdrawal.status == WithdrawalStatus.REQUESTED,
        )
        .order_by(Withdrawal.id)
        .execution_options(populate_existing=True)
    )
    for wanted in waiting.all():
        _require_move(wanted, WithdrawalStatus.RETURNED, ActorRole.SYSTEM)
        await _give_back(session, wanted, SYSTEM, reason=CLAWED_BACK, role="system")


async def queue(session: AsyncSession, *, limit: int, offset: int) -> Sequence[Card]:
    """Return withdrawals that wait for staff, oldest first."""
    rows = await session.execute(
        _cards()
        .where(Withdrawal.status.in_(OPEN))
        .order_by(Withdrawal.id)
        .limit(limit)
        .offset(offset)
    )
    return [_card(row) for row in rows]


async def card(session: AsyncSession, withdrawal_id: int) -> Card:
    """Return a withdrawal as staff see it. Raises NotFound."""
    row = (await session.execute(_cards().where(Withdrawal.id == withdrawal_id))).one_or_none()
    if row is None:
        raise errors.NotFound("withdrawal", withdrawal_id)
    return _card(row)


async def of_user(
    session: AsyncSession, *, user_id: int, limit: int, offset: int
) -> Sequence[Withdrawal]:
    """Return a page of a person's withdrawals, newest first."""
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
    wanted = await session.get(Withdrawal, withdrawal_id)
    if wanted is None:
        raise errors.NotFound("withdrawal", withdrawal_id)
    return wanted


def _cards() -> Select[*tuple[Any, ...]]:
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


def _card(row: Any) -> Card:
    wanted: Withdrawal = row.Withdrawal
    return Card(
        withdrawal_id=wanted.id,
        user_id=wanted.user_id,
        telegram_id=row.telegram_id,
        amount=wanted.amount,
        currency=wanted.currency,
        status=wanted.status,
        blocked=row.blocked,
        created_at=wanted.created_at,
        age=row.age,
        decided_by_telegram_id=row.decided_by,
        external_reference=wanted.external_reference,
        return_reason=wanted.return_reason,
    )


async def _lock_person(session: AsyncSession, user_id: int) -> User:
    """Lock a person against being blocked meanwhile."""
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
    """Lock a withdrawal and its person, the person first. Raises NotFound, OwnMoney."""
    user_id = (await get(session, withdrawal_id)).user_id
    if decided_by is not None and decided_by.user_id == user_id:
        raise errors.OwnMoney(withdrawal_id)
    person = await _lock_person(session, user_id)
    wanted = await session.get_one(
        Withdrawal, withdrawal_id, with_for_update=True, populate_existing=True
    )
    return wanted, person


def _require_move(wanted: Withdrawal, status: WithdrawalStatus, who: ActorRole) -> None:
    transitions.require(
        transitions.WITHDRAWAL,
        "withdrawal",
        wanted.id,
        status=wanted.status,
        wanted=status,
        role=who,
    )


async def _settle(
    session: AsyncSession, wanted: Withdrawal, actor: Actor, status: WithdrawalStatus, *, to: int
) -> None:
    """Move the money out of the holding wallet and end the withdrawal; the caller flushes."""
    reason = Reason.WITHDRAWAL if status is WithdrawalStatus.PAID else Reason.WITHDRAWAL_RETURN
    holding = await ledger.open_wallet(
        session, WalletKind.WITHDRAWAL, currency=wanted.currency, user_id=wanted.user_id
    )
    await ledger.post(
        session,
        key=f"{reason}:{wanted.id}",
        reason=reason,
        reference_id=wanted.id,
        legs=[Leg(holding, -wanted.amount, reason), Leg(to, wanted.amount, reason)],
        actor_id=actor.user_id,
    )
    moment = await queries.now(session)
    wanted.status = status
    wanted.settled_at = moment


async def _give_back(
    session: AsyncSession, wanted: Withdrawal, actor: Actor, *, reason: str, role: str
) -> None:
    wallet = await wallets.of_user(session, wanted.user_id)
    await _settle(session, wanted, actor, WithdrawalStatus.RETURNED, to=wallet.id)
    wanted.return_reason = reason
    await session.flush()
    await _tell(session, wanted, actor, "withdrawal_returned", role=role)


async def _tell(
    session: AsyncSession,
    wanted: Withdrawal,
    actor: Actor,
    what: str,
    *,
    role: str,
    to_staff: bool = False,
) -> None:
    """Record what became of a withdrawal, and owe its person (or the staff) the word."""
    await audit.record(
        session,
        actor=actor,
        action=what,
        role=role,
        withdrawal_id=wanted.id,
        withdrawal_user_id=wanted.user_id,
        amount=wanted.amount,
    )
    await outbox.add(
        session,
        user_id=None if to_staff else wanted.user_id,
        kind="withdrawal_changed",
        payload={"withdrawal_id": wanted.id, "status": wanted.status.value},
        key=f"{what}:{wanted.id}",
    )
