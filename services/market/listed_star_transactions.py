"""Keep the payments and refunds in Telegram's list of Stars that are not booked at once."""

from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, exists, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.intake import Comparison, ListedStarTransaction
from db.models.money import Deposit, DepositStatus
from db.models.operations import InboxUpdate, OutboxMessage
from db.models.users import User
from services.market import star_transactions
from services.market.star_transactions import StarTransaction


async def note(session: AsyncSession, transactions: Collection[StarTransaction]) -> None:
    """Store listed transactions that are not booked. A transaction that is stored stays."""
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


async def list_due(session: AsyncSession, *, limit: int) -> Sequence[StarTransaction]:
    """Return at most `limit` stored transactions that can be booked now, payments first.

    A transaction whose payer is unknown waits as long as the bot has to handle the update about its
    payment. A transaction that was refused, and reported to the admin chat, is not returned.
    """
    listed = ListedStarTransaction
    refusal_key = star_transactions.REFUSED + listed.kind + ":" + listed.charge_id
    update_is_open = exists().where(
        InboxUpdate.update_id == listed.update_id,
        InboxUpdate.done_at.is_(None),
        InboxUpdate.failed_at.is_(None),
    )
    rows = await session.scalars(
        select(listed)
        .where(
            ~_is_booked(),
            ~exists().where(OutboxMessage.key == refusal_key),
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


async def mark_booked(session: AsyncSession) -> None:
    """Store the comparison of deposits, and of refunds, that were listed before they were booked.

    Locks the deposits by id, and skips those that another transaction has locked.
    """
    for kind, uncompared in (
        (star_transactions.PAYMENT, Deposit.comparison.is_(None)),
        (
            star_transactions.REFUND,
            Deposit.refund_comparison.is_(None) & (Deposit.status == DepositStatus.CLAWED_BACK),
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


def _is_booked() -> ColumnElement[bool]:
    """Build the SQL condition that a listed payment has its deposit, or a refund its clawback."""
    return exists().where(
        star_transactions.is_of_deposit(),
        or_(
            ListedStarTransaction.kind == star_transactions.PAYMENT,
            Deposit.status == DepositStatus.CLAWED_BACK,
        ),
    )
