"""Record which payments and refunds Telegram has reported."""

from sqlalchemy import ColumnElement, exists
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

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
    """Record a payment or a refund from Telegram's list of transactions.

    `amount` is in minor units. A second call changes nothing. The session needs a database role
    that can store updates.
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
        # Without `inline`, SQLAlchemy asks for the new id, which `adtech_intake` may not read.
        .inline()
    )


def is_refunded(charge_id: InstrumentedAttribute[str]) -> ColumnElement[bool]:
    """Build the SQL condition that Telegram has reported a refund of the payment `charge_id`."""
    return exists().where(ReceivedPayment.kind == "refund", ReceivedPayment.charge_id == charge_id)
