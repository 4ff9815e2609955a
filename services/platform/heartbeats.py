"""Record the heartbeats of processes. A heartbeat shows that a process is alive.

A heartbeat is a row with the time at which a process last wrote the row.
"""

from datetime import timedelta

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.operations import Heartbeat

HEARTBEAT_LATE = timedelta(seconds=60)
"""If the last heartbeat of a process is older than this, the process does not count as alive."""


async def beat(session: AsyncSession, *, owner: str, name: str, loop_lag: float = 0.0) -> None:
    """Record a heartbeat of a process, with the time of the database's real clock.

    `loop_lag` is the longest delay (lag) of the process's event loop after the heartbeat before
    this one, in seconds.
    """
    await session.execute(
        upsert(Heartbeat)
        .values(owner=owner, name=name, loop_lag=loop_lag)
        .on_conflict_do_update(
            index_elements=["owner"], set_={"beat_at": func.now(), "loop_lag": loop_lag}
        )
    )


async def longest_lag(session: AsyncSession, *, name: str) -> float:
    """Return the longest lag in the heartbeats of all living processes with this name, in seconds.

    The lag says how late the event loop of a process ran. The result is 0.0 if no process is alive.
    """
    longest: float | None = await session.scalar(
        select(func.max(Heartbeat.loop_lag)).where(*_alive(name))
    )
    return longest or 0.0


async def is_alive(session: AsyncSession, *, name: str) -> bool:
    """Return whether a process with this name has written a heartbeat within HEARTBEAT_LATE.

    If the clock was set back, a heartbeat can be in the future. If it is more than HEARTBEAT_LATE
    in the future, it does not count.
    """
    owner = await session.scalar(select(Heartbeat.owner).where(*_alive(name)).limit(1))
    return owner is not None


def _alive(name: str) -> tuple[ColumnElement[bool], ...]:
    return (
        Heartbeat.name == name,
        Heartbeat.beat_at > func.now() - HEARTBEAT_LATE,
        Heartbeat.beat_at < func.now() + HEARTBEAT_LATE,
    )
