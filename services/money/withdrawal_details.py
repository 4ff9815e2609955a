"""Read withdrawals with the data that the staff need for a decision."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from db.models.destinations import DestinationStatus, PayoutDestination, PayoutMethod
from db.models.money import Withdrawal, WithdrawalStatus
from db.models.users import User, UserAuditLog
from services.money import wallets
from services.platform import errors, restores

OPEN = (WithdrawalStatus.REQUESTED, WithdrawalStatus.APPROVED)


@dataclass(frozen=True)
class WithdrawalDetails:
    """A withdrawal for the staff's screens (amount in minor units, times with a time zone)."""

    withdrawal_id: int
    user_id: int
    telegram_id: int
    amount: int
    fee: int
    payable: int
    """The amount that the person is paid: without the fee."""
    currency: str
    status: WithdrawalStatus
    blocked: bool
    open_loss: int
    """How much money the person owes to the platform, in minor units. 0 means no debt."""
    created_at: datetime
    age: timedelta
    decided_by_telegram_id: int | None
    external_reference: str | None
    return_reason: str | None
    paying_telegram_id: int | None
    """The Telegram id of the admin with a valid claim on the payment, or None."""
    destination_id: int | None
    method: PayoutMethod | None
    """How the person is paid, or None if no address was asked for."""
    dropped: bool
    """Whether the person has dropped the address, so that nothing must be paid there."""
    restored: bool
    """Whether the withdrawal is open and older than a restored backup: it may be paid already."""


async def list_open(
    session: AsyncSession, *, limit: int, offset: int
) -> Sequence[WithdrawalDetails]:
    """Return a page of the withdrawals that the staff must decide on or pay, the oldest first."""
    rows = await session.execute(
        _select_cards()
        .where(Withdrawal.status.in_(OPEN))
        .order_by(Withdrawal.id)
        .limit(limit)
        .offset(offset)
    )
    return [_to_card(row) for row in rows]


async def get_details(session: AsyncSession, withdrawal_id: int) -> WithdrawalDetails:
    """Return a withdrawal with the data for the staff. Raises NotFound."""
    row = (
        await session.execute(_select_cards().where(Withdrawal.id == withdrawal_id))
    ).one_or_none()
    if row is None:
        raise errors.NotFound("withdrawal", withdrawal_id)
    return _to_card(row)


def _select_cards() -> Select[*tuple[Any, ...]]:
    decided_by, paying_by = aliased(User), aliased(User)
    return (
        select(
            Withdrawal,
            User.telegram_id,
            User.blocked,
            wallets.open_loss_of(Withdrawal.user_id).label("open_loss"),
            (func.clock() - Withdrawal.created_at).label("age"),
            decided_by.telegram_id.label("decided_by"),
            paying_by.telegram_id.label("paying_by"),
            PayoutDestination.method,
            PayoutDestination.status.label("destination_status"),
            _is_restored().label("restored"),
        )
        .join(User, User.id == Withdrawal.user_id)
        .outerjoin(PayoutDestination, PayoutDestination.id == Withdrawal.destination_id)
        .outerjoin(decided_by, decided_by.id == Withdrawal.decided_by)
        .outerjoin(
            paying_by,
            (paying_by.id == Withdrawal.paying_by)
            & (Withdrawal.paying_until > func.clock())
            & (Withdrawal.status == WithdrawalStatus.APPROVED),
        )
        .execution_options(populate_existing=True)
    )


def _is_restored() -> ColumnElement[bool]:
    return Withdrawal.status.in_(OPEN) & exists().where(
        UserAuditLog.action == restores.ACTION, UserAuditLog.created_at > Withdrawal.created_at
    )


def _to_card(row: Any) -> WithdrawalDetails:
    withdrawal: Withdrawal = row.Withdrawal
    return WithdrawalDetails(
        withdrawal_id=withdrawal.id,
        user_id=withdrawal.user_id,
        telegram_id=row.telegram_id,
        amount=withdrawal.amount,
        fee=withdrawal.fee,
        payable=withdrawal.payable,
        currency=withdrawal.currency,
        status=withdrawal.status,
        blocked=row.blocked,
        open_loss=int(row.open_loss),
        created_at=withdrawal.created_at,
        age=row.age,
        decided_by_telegram_id=row.decided_by,
        external_reference=withdrawal.external_reference,
        return_reason=withdrawal.return_reason,
        paying_telegram_id=row.paying_by,
        destination_id=withdrawal.destination_id,
        method=row.method,
        dropped=row.destination_status is DestinationStatus.DROPPED,
        restored=row.restored,
    )
