"""Record which payments and refunds Telegram has reported, and find them by their ids."""

from sqlalchemy import ColumnElement, and_, exists, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute, aliased

from db.models.intake import ReceivedPayment


async def note(
    session: AsyncSession,
    *,
    charge_id: str,
    telegram_id: int,
    amount: int,
    currency: str,
    refunded: bool,
    invoice: str | None = None,
) -> None:
    """Record a payment or a refund from Telegram's list of transactions.

    `amount` is in minor units. `invoice` is the payload of the paid invoice. A second call changes
    nothing. The session needs a database role that can store updates.
    """
    await session.execute(
        insert(ReceivedPayment)
        .values(
            kind="refund" if refunded else "payment",
            charge_id=charge_id,
            telegram_id=telegram_id,
            amount=amount,
            currency=currency,
            invoice=invoice,
        )
        .on_conflict_do_nothing(index_elements=["kind", "charge_id"])
        # Without `inline`, SQLAlchemy asks for the new id, which `adtech_intake` may not read.
        .inline()
    )


async def is_paid(session: AsyncSession, invoice: str) -> bool:
    """Return whether Telegram has reported a payment of the invoice with this payload."""
    found = await session.scalar(select(exists().where(ReceivedPayment.invoice == invoice)))
    return bool(found)


async def is_second_payment(session: AsyncSession, charge_id: str) -> bool:
    """Return whether another payment of the same invoice was reported before this one."""
    earlier = aliased(ReceivedPayment)
    found = await session.scalar(
        select(
            exists().where(
                ReceivedPayment.kind == "payment",
                ReceivedPayment.charge_id == charge_id,
                earlier.invoice == ReceivedPayment.invoice,
                earlier.id < ReceivedPayment.id,
            )
        )
    )
    return bool(found)


def is_payment(charge_id: InstrumentedAttribute[str]) -> ColumnElement[bool]:
    """Build the SQL condition for the report of the payment to which Telegram gave an id."""
    return and_(ReceivedPayment.kind == "payment", ReceivedPayment.charge_id == charge_id)


def is_refunded(charge_id: InstrumentedAttribute[str]) -> ColumnElement[bool]:
    """Build the SQL condition that Telegram has reported a refund of the payment `charge_id`."""
    return exists().where(ReceivedPayment.kind == "refund", ReceivedPayment.charge_id == charge_id)


async def find_charge_ids(session: AsyncSession, reference: str) -> frozenset[str]:
    """Return Telegram's ids of the payments that `reference` can name.

    `reference` is Telegram's id of a payment, which is always in the result, or the id that the
    payment provider gave the payment. Two providers may give the same id.
    """
    named = await session.scalars(
        select(ReceivedPayment.charge_id).where(ReceivedPayment.provider_charge_id == reference)
    )
    return frozenset({reference, *named})
