"""Record that Telegram has reported a payment or a refund, in the table `received_payments`.

The database accepts a deposit only if this table has a row for its payment. It accepts a clawback
only if this table has a row for the refund, or if two admins have decided the clawback. A database
trigger inserts the rows for payments and refunds in updates. This module inserts the rows for those
that are found in the list of transactions that Telegram returns on request.
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
    """Record a payment, or a refund of a payment, that Telegram lists. A repeat changes nothing.

    `amount` is in minor units. The database role of the session must have the right to store
    updates.
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
