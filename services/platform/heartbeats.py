"""Record the heartbeats of processes: signs that a process is alive."""

from datetime import timedelta

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.operations import Heartbeat

HEARTBEAT_LATE = timedelta(seconds=60)
"""A process with an older heartbeat does not count as alive."""


async def beat(session: AsyncSession, *, owner: str, name: str, loop_lag: float = 0.0) -> None:
    """Record a heartbeat of a process, with the time of the database's real clock.

    `loop_lag` is the longest delay of the event loop since the last heartbeat, in seconds.
    """
    await session.execute(
        upsert(Heartbeat)
        .values(owner=owner, name=name, loop_lag=loop_lag)
        .on_conflict_do_update(
            index_elements=["owner"], set_={"beat_at": func.now(), "loop_lag": loop_lag}
        )
    )


async def longest_lag(session: AsyncSession, *, name: str) -> float:
    """Return the longest event loop delay of the living processes with a name, in seconds.

    Returns 0.0 if no process is alive.
    """
    longest: float | None = await session.scalar(
        select(func.max(Heartbeat.loop_lag)).where(*_alive(name))
    )
    return longest or 0.0


async def is_alive(session: AsyncSession, *, name: str) -> bool:
    """Return whether a process with this name has written a heartbeat within HEARTBEAT_LATE.

    A heartbeat further in the future than HEARTBEAT_LATE does not count.
    """
    owner = await session.scalar(select(Heartbeat.owner).where(*_alive(name)).limit(1))
    return owner is not None


def _alive(name: str) -> tuple[ColumnElement[bool], ...]:
    return (
        Heartbeat.name == name,
        Heartbeat.beat_at > func.now() - HEARTBEAT_LATE,
        Heartbeat.beat_at < func.now() + HEARTBEAT_LATE,
    )
