"""Note what Telegram says about payments and refunds. Deposits and clawbacks need such a note.

A trigger notes what updates say. This module is for payments and refunds in Telegram's list.
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
    """Note a payment or a refund that Telegram lists. A repeat changes nothing.

    `amount` is in minor units. The session must belong to a login that may store updates.
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
