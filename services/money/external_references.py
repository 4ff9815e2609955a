"""Lock and find the external references of payments for withdrawals.

An external reference is the id of a payment outside the platform, for example the bank's id. One
payment has one reference, and the database refuses another payment with it.
"""

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.losses import ExcessPayment
from db.models.money import Withdrawal
from db.session import sqlstate
from services.platform import errors

REFERENCE_LIMIT = 200
"""The greatest length of an external reference, in characters."""
_USED = "AD054"


async def lock(session: AsyncSession, external_reference: str) -> str:
    """Lock an external reference, and return it without spaces at its ends. Raises InvalidText."""
    external_reference = external_reference.strip()
    if not 1 <= len(external_reference) <= REFERENCE_LIMIT:
        raise errors.InvalidText("external_reference", REFERENCE_LIMIT, len(external_reference))
    await queries.lock_key(session, f"withdrawal:{external_reference}")
    return external_reference


async def find_paid(session: AsyncSession, external_reference: str) -> int | None:
    """Return the id of the withdrawal whose payment has this reference, or None.

    The payment may also be a second one for the same withdrawal (`excess_payments`).
    """
    paid = select(Withdrawal.id).where(Withdrawal.external_reference == external_reference)
    in_excess = select(ExcessPayment.withdrawal_id).where(
        ExcessPayment.external_reference == external_reference
    )
    paid_id: int | None = await session.scalar(paid.union_all(in_excess))
    return paid_id


async def flush(session: AsyncSession, external_reference: str) -> None:
    """Write a payment with this reference. Raises IdempotencyConflict if another payment has it.

    After this error the transaction can only be rolled back.
    """
    try:
        await session.flush()
    except DBAPIError as error:
        if sqlstate(error) == _USED:
            raise errors.IdempotencyConflict(external_reference) from error
        raise
