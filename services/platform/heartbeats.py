"""Record the heartbeats of processes, and check with them whether a process is alive.

A heartbeat is a row with the time at which a process last wrote it.
"""

from datetime import timedelta

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.operations import Heartbeat

HEARTBEAT_LATE = timedelta(seconds=60)
"""The greatest age that the last heartbeat of a living process can have."""


async def beat(session: AsyncSession, *, owner: str, name: str, loop_lag: float = 0.0) -> None:
    """Record a heartbeat of a process, with the time of the real clock.

    `loop_lag` is the longest lag of the process's event loop since its last heartbeat, in seconds.
    """
    await session.execute(
        upsert(Heartbeat)
        .values(owner=owner, name=name, loop_lag=loop_lag)
        .on_conflict_do_update(
            index_elements=["owner"], set_={"beat_at": func.now(), "loop_lag": loop_lag}
        )
    )


async def longest_lag(session: AsyncSession, *, name: str) -> float:
    """Return the longest lag in the last heartbeats of all living processes of a name, in seconds.

    The lag says how late the event loop of a process ran. Without a living process, it is 0.0.
    """
    longest: float | None = await session.scalar(
        select(func.max(Heartbeat.loop_lag)).where(*_alive(name))
    )
    return longest or 0.0


async def is_alive(session: AsyncSession, *, name: str) -> bool:
    """Return whether a process of this kind has written a heartbeat within HEARTBEAT_LATE.

    A heartbeat that is further than HEARTBEAT_LATE in the future does not count: it was written
    before the clock was set back.
    """
    owner = await session.scalar(select(Heartbeat.owner).where(*_alive(name)).limit(1))
    return owner is not None


def _alive(name: str) -> tuple[ColumnElement[bool], ...]:
    return (
        Heartbeat.name == name,
        Heartbeat.beat_at > func.now() - HEARTBEAT_LATE,
        Heartbeat.beat_at < func.now() + HEARTBEAT_LATE,
    )
