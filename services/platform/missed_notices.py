"""Remember the messages that people have missed, and queue one summary when a person is back."""

from collections.abc import Sequence

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.operations import OutboxMessage
from db.models.users import User
from services.platform import outbox

MOST = 500
"""How many missed messages one summary counts at most, the newest ones."""


async def queue_summary(session: AsyncSession, user_id: int) -> None:
    """Queue one summary of what a person has missed, because the person is back.

    The same messages are summed up once. Locks the person.
    """
    await session.execute(update(User).where(User.id == user_id).values(missed_at=None))
    ids = await session.scalars(
        select(OutboxMessage.id)
        .where(OutboxMessage.user_id == user_id, OutboxMessage.missed_at.is_not(None))
        .order_by(OutboxMessage.id.desc())
        .limit(MOST)
    )
    if missed := sorted(ids):
        await outbox.add(
            session,
            user_id=user_id,
            kind=outbox.SUMMARY,
            payload={"ids": missed},
            key=f"{outbox.SUMMARY}:{user_id}:{missed[0]}:{missed[-1]}",
        )


async def list_missed(session: AsyncSession, ids: Sequence[int]) -> Sequence[OutboxMessage]:
    """Return the messages with these ids that their person still misses, the oldest first."""
    rows = await session.scalars(
        select(OutboxMessage)
        .where(OutboxMessage.id.in_(ids), OutboxMessage.missed_at.is_not(None))
        .order_by(OutboxMessage.id)
    )
    return rows.all()
