"""Record what happens to withdrawals, and notify the person or the admin chat."""

from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.money import Withdrawal
from services.platform import audit, outbox
from services.platform.actors import Actor

HOUR = timedelta(hours=1)
PER_HOUR = 5
"""The staff is told of this many requests of one person in an hour, and of the others later.

Otherwise a person could fill the admin chat by requesting money and taking it back all the time.
"""


async def staff_delay(session: AsyncSession, user_id: int) -> timedelta:
    """Return after which time the admin chat is told of a person's newest withdrawal."""
    recent = await session.scalar(
        select(func.count()).where(
            Withdrawal.user_id == user_id, Withdrawal.created_at > func.clock() - HOUR
        )
    )
    return HOUR * (((recent or 1) - 1) // PER_HOUR)


async def record(
    session: AsyncSession,
    withdrawal: Withdrawal,
    actor: Actor,
    action: str,
    *,
    role: str,
    staff_in: timedelta | None = None,
) -> None:
    """Write the audit row of a withdrawal's new status, and notify the person.

    If `staff_in` is not None, notify the admin chat instead, after this time.
    """
    await audit.record(
        session,
        actor=actor,
        action=action,
        role=role,
        withdrawal_id=withdrawal.id,
        withdrawal_user_id=withdrawal.user_id,
        amount=withdrawal.amount,
        reason=withdrawal.return_reason,
        **({"fee": withdrawal.fee} if withdrawal.fee else {}),
    )
    await outbox.add(
        session,
        user_id=withdrawal.user_id if staff_in is None else None,
        kind="withdrawal_changed",
        payload={"withdrawal_id": withdrawal.id, "status": withdrawal.status.value},
        key=f"{action}:{withdrawal.id}",
        due_in=staff_in or timedelta(),
    )
