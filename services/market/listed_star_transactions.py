"""Keep the payments and refunds in Telegram's list of Stars that are not booked at once."""

from collections.abc import Collection, Sequence
from datetime import timedelta

from sqlalchemy import ColumnElement, exists, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.intake import Comparison, ListedStarTransaction
from db.models.money import Deposit
from db.models.operations import InboxUpdate, OutboxMessage
from db.models.users import User
from services.market import star_transactions
from services.market.star_transactions import StarTransaction

COMMITTED_AFTER = timedelta(minutes=10)
"""Each transaction of the database ends within this time, so no lower id can appear later."""


async def note(session: AsyncSession, transactions: Collection[StarTransaction]) -> None:
    """Store listed transactions that are not booked. A stored transaction never changes."""
    if not transactions:
        return
    values = [
        {
            "kind": transaction.kind,
            "charge_id": transaction.charge_id,
            "telegram_id": transaction.telegram_id,
            "amount": transaction.amount,
            "payload": transaction.payload,
            "date": transaction.date,
            "language": transaction.language,
            "update_id": star_transactions.build_update(transaction)["update_id"],
        }
        for transaction in transactions
    ]
    await session.execute(
        insert(ListedStarTransaction)
        .values(values)
        .on_conflict_do_nothing(index_elements=["kind", "charge_id"])
    )


async def list_due(
    session: AsyncSession, *, limit: int, after: int = 0
) -> Sequence[StarTransaction]:
    """Return at most `limit` stored transactions that can be booked now, payments first.

    Reads only rows with an id above `after`, which is a result of `find_ended`. A transaction whose
    payer is unknown waits as long as the bot has to handle the update about its payment. A
    transaction that was refused, and reported to the admin chat, is not returned.
    """
    listed = ListedStarTransaction
    update_is_open = exists().where(
        InboxUpdate.update_id == listed.update_id,
        InboxUpdate.done_at.is_(None),
        InboxUpdate.failed_at.is_(None),
    )
    rows = await session.scalars(
        select(listed)
        .where(
            listed.id > after,
            ~_is_ended(),
            or_(exists().where(User.telegram_id == listed.telegram_id), ~update_is_open),
        )
        .order_by(listed.kind, listed.id)
        .limit(limit)
    )
    return [
        StarTransaction(
            charge_id=row.charge_id,
            telegram_id=row.telegram_id,
            amount=row.amount,
            payload=row.payload,
            refunded=row.kind == star_transactions.REFUND,
            date=row.date,
            language=row.language,
        )
        for row in rows
    ]


async def find_ended(session: AsyncSession, *, after: int) -> int:
    """Return an id up to which each stored transaction is booked or refused.

    Reads only rows with an id above `after`, which is an earlier result or 0. Rows never change and
    bookings are final, so a row up to the returned id never has to be read again.
    """
    listed = ListedStarTransaction
    is_new = listed.created_at > await queries.now(session) - COMMITTED_AFTER
    open_id = await session.scalar(
        select(listed.id)
        .where(listed.id > after, or_(is_new, ~_is_ended()))
        .order_by(listed.id)
        .limit(1)
    )
    if open_id is not None:
        return open_id - 1
    return await session.scalar(select(func.max(listed.id))) or after


async def mark_booked(session: AsyncSession) -> None:
    """Store the comparison of deposits, and of refunds, that were listed before they were booked.

    Locks the deposits by id, and skips those that another transaction has locked.
    """
    for kind, uncompared in (
        (star_transactions.PAYMENT, Deposit.comparison.is_(None)),
        (
            star_transactions.REFUND,
            Deposit.refund_comparison.is_(None) & Deposit.status.in_(star_transactions.REFUNDED),
        ),
    ):
        found = await session.scalars(
            select(Deposit.id)
            .join(
                ListedStarTransaction,
                ListedStarTransaction.charge_id == Deposit.external_reference,
            )
            .where(
                ListedStarTransaction.kind == kind, uncompared, star_transactions.is_of_deposit()
            )
        )
        await star_transactions.mark_compared(
            session,
            found.all(),
            Comparison.LISTED,
            refunds=kind == star_transactions.REFUND,
            skip_locked=True,
        )


def _is_ended() -> ColumnElement[bool]:
    """Build the SQL condition that a listed transaction is booked, or refused and reported."""
    listed = ListedStarTransaction
    refusal_key = star_transactions.REFUSED + listed.kind + ":" + listed.charge_id
    return or_(_is_booked(), exists().where(OutboxMessage.key == refusal_key))


def _is_booked() -> ColumnElement[bool]:
    """Build the SQL condition that a listed transaction is booked.

    A payment has its deposit, and the deposit of a refund is taken back or returned.
    """
    return exists().where(
        star_transactions.is_of_deposit(),
        or_(
            ListedStarTransaction.kind == star_transactions.PAYMENT,
            Deposit.status.in_(star_transactions.REFUNDED),
        ),
    )
