"""Read the updates that were parked (kept, but not tried again), and open parked payments again."""

from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.operations import InboxUpdate
from services.platform import audit, errors, inbox
from services.platform.actors import OPERATORS, Actor

_CHARGE_ID = "telegram_payment_charge_id"


async def list_payments(
    session: AsyncSession, *, limit: int, charge_ids: Collection[str] | None = None
) -> Sequence[InboxUpdate]:
    """Return at most `limit` parked updates about payments or refunds, the first parked first.

    `charge_ids` are Telegram's ids of the wanted payments. None means all payments.
    """
    condition: ColumnElement[bool] = inbox.IS_PAYMENT
    if charge_ids is not None:
        condition = or_(
            *(
                InboxUpdate.payload["message"][part][_CHARGE_ID].astext.in_(charge_ids)
                for part in inbox.PAYMENT_PARTS
            )
        )
    return await _list_parked(session, condition, limit)


def payment_ids(parked: InboxUpdate) -> tuple[str, str]:
    """Return the payment ids in an update about a payment or a refund: Telegram's, the provider's.

    An id is empty if the update does not have it.
    """
    message = (parked.payload or {}).get("message") or {}
    parts = (message.get(part) for part in inbox.PAYMENT_PARTS)
    payment = next((part for part in parts if isinstance(part, dict)), {})
    telegram_id, provider_id = (
        str(payment.get(name) or "") for name in (_CHARGE_ID, "provider_payment_charge_id")
    )
    return telegram_id, provider_id


async def list_others(session: AsyncSession, *, limit: int) -> Sequence[InboxUpdate]:
    """Return at most `limit` parked updates that are not about payments, the first parked first."""
    return await _list_parked(session, ~inbox.IS_PAYMENT, limit)


async def _list_parked(
    session: AsyncSession, condition: ColumnElement[bool], limit: int
) -> Sequence[InboxUpdate]:
    rows = await session.scalars(
        select(InboxUpdate)
        .where(InboxUpdate.failed_at.is_not(None), condition)
        .order_by(InboxUpdate.failed_at)
        .limit(limit)
    )
    return rows.all()


async def is_payment(session: AsyncSession, inbox_id: int) -> bool:
    """Return whether an id is that of a parked update about a payment or a refund."""
    found = await session.scalar(
        select(InboxUpdate.id).where(
            InboxUpdate.id == inbox_id, InboxUpdate.failed_at.is_not(None), inbox.IS_PAYMENT
        )
    )
    return found is not None


async def retry_payment(session: AsyncSession, *, actor: Actor, inbox_id: int) -> None:
    """Open a parked update about a payment or a refund, so that a handler tries the update again.

    Raises AccessDenied; NotFound if `inbox_id` is not the id of a parked payment or refund.
    """
    role = actor.require_staff(*OPERATORS, action="payment_retry")
    opened = await session.scalar(
        update(InboxUpdate)
        .where(InboxUpdate.id == inbox_id, InboxUpdate.failed_at.is_not(None), inbox.IS_PAYMENT)
        .values(failed_at=None, last_error=None, attempts=0)
        .returning(InboxUpdate.id)
        .execution_options(synchronize_session=False)
    )
    if opened is None:
        raise errors.NotFound("update", inbox_id)
    await audit.record(session, actor=actor, action="payment_retried", role=role, inbox_id=inbox_id)
