"""Updates from Telegram: stored before they are acknowledged, handled afterwards."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, func, null, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.operations import InboxUpdate
from services.platform import audit, errors, outbox
from services.platform.actors import OPERATORS, Actor

MAX_ATTEMPTS = 10
"""An update that was taken this often and never finished is parked, not tried for ever."""
KEEP_DONE = timedelta(hours=48)
KEEP_FAILED = timedelta(days=30)
_OPEN = (InboxUpdate.done_at.is_(None), InboxUpdate.failed_at.is_(None))
_PAYMENT = InboxUpdate.payload["message"].has_key("successful_payment").is_(True)


def lane(payload: dict[str, Any]) -> int:
    """Return the chat that an update belongs to; what has none goes by its person, else together.

    Reads raw, untrusted JSON: anything may be missing or of another type.
    """
    for content in payload.values():
        if not isinstance(content, dict):
            continue
        holder = content if "chat" in content else content.get("message")
        chat = holder.get("chat") if isinstance(holder, dict) else None
        for part in (chat, content.get("from"), content.get("user")):
            if isinstance(part, dict) and isinstance(part.get("id"), int):
                found: int = part["id"]
                return found
    return 0


def storable(content: Any) -> Any:
    """Return JSON without the characters that PostgreSQL has no place for: NUL, half an emoji.

    One such update would otherwise be refused for ever, and all behind it with it.
    """
    if isinstance(content, str):
        whole = content.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        return whole.replace("\0", "")
    if isinstance(content, dict):
        return {storable(name): storable(value) for name, value in content.items()}
    if isinstance(content, list):
        return [storable(value) for value in content]
    return content


async def store(session: AsyncSession, updates: Sequence[dict[str, Any]]) -> int:
    """Store updates in the order they came; return how many were new. Known ones are dropped."""
    rows = [
        {"update_id": update["update_id"], "lane": lane(update), "payload": storable(update)}
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


async def take(
    session: AsyncSession, *, limit: int, exclude: Collection[int] = ()
) -> Sequence[InboxUpdate]:
    """Take open updates in order; counts the attempt now, not at its end.

    `exclude` are the ids under way already: a process stores and takes side by side, and webhooks
    commit out of the order of their ids, so that no id is a border. Only the process that holds the
    polling lease takes. An update that has been taken too often is parked here.
    """
    others = InboxUpdate.id.not_in(exclude)
    await _park(
        session,
        *(others, InboxUpdate.attempts >= MAX_ATTEMPTS),
        error="taken too often without an end",
    )
    chosen = (
        select(InboxUpdate.id)
        .where(*_OPEN, others)
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
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    return sorted(taken, key=lambda row: row.id)


async def give_back(session: AsyncSession, ids: Collection[int]) -> None:
    """Take back the attempt of updates that were not handled for no reason of their own."""
    await session.execute(
        update(InboxUpdate)
        .where(InboxUpdate.id.in_(ids), *_OPEN)
        .values(attempts=InboxUpdate.attempts - 1)
        .execution_options(synchronize_session=False)
    )


async def done(session: AsyncSession, id: int) -> bool:  # noqa: A002 - the row's own name
    """Mark an update handled and empty its payload, in the transaction that handled it.

    False: another process has ended it already, and the caller must roll back.
    """
    marked = await session.scalar(
        update(InboxUpdate)
        .where(InboxUpdate.id == id, *_OPEN)
        .values(done_at=func.now(), payload=null())
        .returning(InboxUpdate.id)
        .execution_options(synchronize_session=False)
    )
    return marked is not None


async def failed(session: AsyncSession, *, id: int, error: str) -> None:  # noqa: A002
    """Park an update that cannot be handled; its payload is kept for a look.

    Of a payment the admins are told: its person has paid, and has nothing for it yet.
    """
    await _park(session, InboxUpdate.id == id, error=error)


async def parked_payments(session: AsyncSession, *, limit: int) -> Sequence[InboxUpdate]:
    """Return the payments that could not be handled, the oldest first."""
    rows = await session.scalars(
        select(InboxUpdate)
        .where(InboxUpdate.failed_at.is_not(None), _PAYMENT)
        .order_by(InboxUpdate.failed_at)
        .limit(limit)
    )
    return rows.all()


async def retry_payment(session: AsyncSession, *, actor: Actor, inbox_id: int) -> None:
    """Let a parked payment be handled once more; one that was credited is not credited again.

    Only payments, which say the same whenever they are read: an old press of a button does not.
    Raises AccessDenied, NotFound.
    """
    role = actor.require_staff(*OPERATORS, action="payment_retry")
    opened = await session.scalar(
        update(InboxUpdate)
        .where(InboxUpdate.id == inbox_id, InboxUpdate.failed_at.is_not(None), _PAYMENT)
        .values(failed_at=None, last_error=None, attempts=0)
        .returning(InboxUpdate.id)
        .execution_options(synchronize_session=False)
    )
    if opened is None:
        raise errors.NotFound("update", inbox_id)
    await audit.record(session, actor=actor, action="payment_retried", role=role, inbox_id=inbox_id)


async def waiting(session: AsyncSession) -> int:
    """Return how many updates wait to be handled."""
    found = await session.execute(select(func.count()).select_from(InboxUpdate).where(*_OPEN))
    return found.scalar_one()


async def purge(session: AsyncSession) -> None:
    """Delete what was handled two days ago, and what failed a month ago but payments. A tick."""
    # Two statements, so that each finds its own by its index.
    await session.execute(delete(InboxUpdate).where(InboxUpdate.done_at < func.now() - KEEP_DONE))
    await session.execute(
        delete(InboxUpdate).where(InboxUpdate.failed_at < func.now() - KEEP_FAILED, ~_PAYMENT)
    )


async def _park(session: AsyncSession, *which: ColumnElement[bool], error: str) -> None:
    parked = await session.execute(
        update(InboxUpdate)
        .where(*_OPEN, *which)
        .values(failed_at=func.now(), last_error=error)
        .returning(InboxUpdate.id, _PAYMENT)
        .execution_options(synchronize_session=False)
    )
    for inbox_id, is_payment in parked.all():
        if is_payment:
            payload = {"inbox_id": inbox_id, "error": error}
            await outbox.add(session, user_id=None, kind="payment_parked", payload=payload)
