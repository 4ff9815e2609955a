"""Record that processes are alive."""

from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.operations import Heartbeat

HEARTBEAT_LATE = timedelta(seconds=60)


async def beat(session: AsyncSession, *, owner: str, name: str) -> None:
    """Say that a process is alive, by the real clock."""
    await session.execute(
        upsert(Heartbeat)
        .values(owner=owner, name=name)
        .on_conflict_do_update(index_elements=["owner"], set_={"beat_at": func.now()})
    )


async def is_alive(session: AsyncSession, *, name: str) -> bool:
    """Tell whether a process of this name has beaten lately."""
    found = await session.scalar(
        select(Heartbeat.owner)
        .where(Heartbeat.name == name, Heartbeat.beat_at > func.now() - HEARTBEAT_LATE)
        .limit(1)
    )
    return found is not None
