"""Messages owed to people, written in the transaction that causes them.

Delivery is at least once: a process that dies between the send and its record sends again. A notice
that comes twice harms nobody; an ad would, and never goes through here.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.operations import OutboxMessage, OutboxStatus

LEASE = timedelta(seconds=30)
"""How long a taken message is nobody else's, by the real clock."""

_SENT = text(
    """
    UPDATE outbox o SET status = 'sent', message_id = m.message_id, sent_at = clock()
    FROM unnest(CAST(:ids AS bigint[]), CAST(:message_ids AS bigint[])) AS m (id, message_id)
    WHERE o.id = m.id AND o.status = 'queued'
    """
)


async def add(
    session: AsyncSession,
    *,
    user_id: int | None,
    kind: str,
    payload: dict[str, Any],
    key: str | None = None,
) -> None:
    """Owe a message to a user (None = the admin chat); with a key, it is owed once."""
    await session.execute(
        insert(OutboxMessage)
        .values(user_id=user_id, kind=kind, payload=payload, key=key)
        .on_conflict_do_nothing(index_elements=["key"])
    )


async def take(session: AsyncSession, *, limit: int) -> Sequence[OutboxMessage]:
    """Lease messages that are due, oldest first; skips what another process is taking."""
    due = (
        select(OutboxMessage.id)
        .where(OutboxMessage.status == OutboxStatus.QUEUED, OutboxMessage.due_at <= func.now())
        .order_by(OutboxMessage.due_at, OutboxMessage.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    taken = await session.scalars(
        update(OutboxMessage)
        .where(OutboxMessage.id == due.c.id)
        .values(due_at=func.now() + LEASE, attempts=OutboxMessage.attempts + 1)
        .returning(OutboxMessage)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    return sorted(taken, key=lambda message: message.id)


async def sent(session: AsyncSession, message_ids: Mapping[int, int | None]) -> None:
    """Record that messages arrived; by their ids here, the ids that Telegram gave them."""
    await session.execute(
        _SENT, {"ids": list(message_ids), "message_ids": list(message_ids.values())}
    )


async def failed(
    session: AsyncSession,
    *,
    id: int,  # noqa: A002
    error: str,
    retry_in: timedelta | None,
    tried: bool = True,
) -> None:
    """Record that a message did not arrive; tried again after `retry_in`, or never (None).

    What was put back before it was `tried` keeps its number of attempts.
    """
    change: dict[str, Any] = {"last_error": error}
    if not tried:
        change["attempts"] = OutboxMessage.attempts - 1
    if retry_in is None:
        change["status"] = OutboxStatus.FAILED
    else:
        change["due_at"] = func.now() + retry_in
    await session.execute(
        update(OutboxMessage)
        .where(OutboxMessage.id == id, OutboxMessage.status == OutboxStatus.QUEUED)
        .values(change)
    )
