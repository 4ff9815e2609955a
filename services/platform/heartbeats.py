"""Record the heartbeats of processes, and check with them whether a process is alive.

A heartbeat is a row with the time at which a process last wrote it.
"""

from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.operations import Heartbeat

HEARTBEAT_LATE = timedelta(seconds=60)
"""The greatest age that the last heartbeat of a living process can have."""


async def beat(session: AsyncSession, *, owner: str, name: str) -> None:
    """Record a heartbeat of the process `owner`, with the time of the database's real clock.

    `name` is the kind of the process, for example "scheduler".
    """
    await session.execute(
        upsert(Heartbeat)
        .values(owner=owner, name=name)
        .on_conflict_do_update(index_elements=["owner"], set_={"beat_at": func.now()})
    )


async def is_alive(session: AsyncSession, *, name: str) -> bool:
    """Return whether a process of this kind has written a heartbeat within HEARTBEAT_LATE.

    A heartbeat that is further than HEARTBEAT_LATE in the future does not count: it was written
    before the clock was set back.
    """
    owner = await session.scalar(
        select(Heartbeat.owner)
        .where(
            Heartbeat.name == name,
            Heartbeat.beat_at > func.now() - HEARTBEAT_LATE,
            Heartbeat.beat_at < func.now() + HEARTBEAT_LATE,
        )
        .limit(1)
    )
    return owner is not None
