"""Record the heartbeats of processes: signs that a process is alive."""

from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.operations import Heartbeat

BOT = "bot"
SCHEDULER = "scheduler"
HEARTBEAT_LATE = timedelta(seconds=20)
"""A process with an older heartbeat does not count as alive."""
RETURN_SECONDS = 10.0
"""After an outage of the database, processes have this time to write a heartbeat again.

Before that, nobody says that they are missing.
"""


async def beat(
    session: AsyncSession,
    *,
    owner: str,
    name: str,
    loop_lag: float = 0.0,
    facts: Mapping[str, float] | None = None,
) -> None:
    """Record a heartbeat of a process, with the time of the database's real clock.

    `loop_lag` is the longest delay of the event loop since the last heartbeat, in seconds. `facts`
    is what the process has counted in the last minutes.
    """
    said = {"loop_lag": loop_lag, "facts": dict(facts or {})}
    await session.execute(
        upsert(Heartbeat)
        .values(owner=owner, name=name, **said)
        .on_conflict_do_update(index_elements=["owner"], set_={"beat_at": func.now(), **said})
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


async def count_alive(session: AsyncSession) -> Mapping[str, int]:
    """Return the number of living processes by name. BOT and SCHEDULER are always there."""
    counted = await session.execute(
        select(Heartbeat.name, func.count()).where(*_recent()).group_by(Heartbeat.name)
    )
    return {BOT: 0, SCHEDULER: 0} | dict(counted.all())


async def sum_facts(session: AsyncSession, *, process: str | None = None) -> Mapping[str, float]:
    """Return the facts of all living processes together, added up by name.

    If `process` is given, only the processes with this name count.
    """
    total: dict[str, float] = {}
    living = _recent() if process is None else _alive(process)
    for facts in await session.scalars(select(Heartbeat.facts).where(*living)):
        for name, value in facts.items():
            total[name] = total.get(name, 0.0) + value
    return total


def _alive(name: str) -> tuple[ColumnElement[bool], ...]:
    return (Heartbeat.name == name, *_recent())


def _recent() -> tuple[ColumnElement[bool], ...]:
    return (
        Heartbeat.beat_at > func.now() - HEARTBEAT_LATE,
        Heartbeat.beat_at < func.now() + HEARTBEAT_LATE,
    )
