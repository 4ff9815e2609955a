"""Record in the table `received_payments` that Telegram has reported a payment or a refund.

The database accepts a deposit only if this table has a row for its payment. It accepts a clawback
(taking a deposit back) if this table has a row for the refund, or if two admins have decided the
clawback. If Telegram reports a payment or a refund in an update, a database trigger inserts the
row. If a payment or a refund is only in Telegram's list of transactions, this module inserts the
row.
"""

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.intake import ReceivedPayment


async def note(
    session: AsyncSession,
    *,
    charge_id: str,
    telegram_id: int,
    amount: int,
    currency: str,
    refunded: bool,
) -> None:
    """Record a payment that is in Telegram's list, or the refund of a payment.

    A second call changes nothing. `amount` is in minor units. The database role of the session must
    have the right to store updates.
    """
    await session.execute(
        insert(ReceivedPayment)
        .values(
            kind="refund" if refunded else "payment",
            charge_id=charge_id,
            telegram_id=telegram_id,
            amount=amount,
            currency=currency,
        )
        .on_conflict_do_nothing(index_elements=["kind", "charge_id"])
    )
