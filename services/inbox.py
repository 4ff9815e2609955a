"""Updates from Telegram: stored before they are acknowledged, handled afterwards."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.operations import InboxUpdate

MAX_ATTEMPTS = 5
"""An update that was taken this often and never finished is parked, not tried for ever."""
KEEP_DONE = timedelta(hours=48)
KEEP_FAILED = timedelta(days=30)
_OPEN = (InboxUpdate.done_at.is_(None), InboxUpdate.failed_at.is_(None))


def lane(payload: dict[str, Any]) -> int:
    """Return the chat that an update belongs to; what has none goes by its person, else together.

    Reads raw, untrusted JSON: anything may be missing or of another type.
    """
    for content in payload.values():
        if not isinstance(content, dict):
            continue
        holder = content.get("message") if "chat" not in content else content
        for part in ((holder or {}).get("chat"), content.get("from"), content.get("user")):
            if isinstance(part, dict) and isinstance(part.get("id"), int):
                found: int = part["id"]
                return found
    return 0


async def store(session: AsyncSession, updates: Sequence[dict[str, Any]]) -> int:
    """Store updates in the order they came; return how many were new. Known ones are dropped."""
    rows = [
        {"update_id": update["update_id"], "lane": lane(update), "payload": update}
        for update in updates
    ]
    if not rows:
        return 0
    stored = await session.execute(
        insert(InboxUpdate)
        .values(rows)
        .on_conflict_do_nothing(index_elements=["update_id"])
        .returning(InboxUpdate.id)
    )
    return len(stored.all())


async def take(session: AsyncSession, *, after: int, limit: int) -> Sequence[InboxUpdate]:
    """Take open updates above an id, in order; counts the attempt now, not at its end.

    Only the process that holds the polling lease takes. An update that has been taken too often
    is parked here.
    """
    await session.execute(
        update(InboxUpdate)
        .where(*_OPEN, InboxUpdate.attempts >= MAX_ATTEMPTS)
        .values(failed_at=func.now(), last_error="taken too often without an end")
    )
    chosen = (
        select(InboxUpdate.id)
        .where(*_OPEN, InboxUpdate.id > after)
        .order_by(InboxUpdate.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("chosen")
    )
    taken = await session.scalars(
        update(InboxUpdate)
        .where(InboxUpdate.id == chosen.c.id)
        .values(attempts=InboxUpdate.attempts + 1)
        .returning(InboxUpdate)
        .execution_options(synchronize_session=False)
    )
    return sorted(taken, key=lambda row: row.id)


async def done(session: AsyncSession, id: int) -> None:  # noqa: A002 - the row's own name
    """Mark an update handled and empty its payload, in the transaction that handled it."""
    await session.execute(
        update(InboxUpdate)
        .where(InboxUpdate.id == id, *_OPEN)
        .values(done_at=func.now(), payload=None)
        .execution_options(synchronize_session=False)
    )


async def failed(session: AsyncSession, *, id: int, error: str) -> None:  # noqa: A002
    """Park an update that cannot be handled; its payload is kept for a look."""
    await session.execute(
        update(InboxUpdate)
        .where(InboxUpdate.id == id, *_OPEN)
        .values(failed_at=func.now(), last_error=error)
        .execution_options(synchronize_session=False)
    )


async def waiting(session: AsyncSession) -> int:
    """Return how many updates wait to be handled."""
    found = await session.execute(select(func.count()).select_from(InboxUpdate).where(*_OPEN))
    return found.scalar_one()


async def purge(session: AsyncSession) -> None:
    """Delete what was handled two days ago, and what failed a month ago. A tick."""
    await session.execute(
        delete(InboxUpdate).where(
            or_(
                InboxUpdate.done_at < func.now() - KEEP_DONE,
                InboxUpdate.failed_at < func.now() - KEEP_FAILED,
            )
        )
    )
