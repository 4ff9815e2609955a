"""The database's time, who keeps it, and what the dead left held."""

from datetime import datetime, timedelta
from typing import Any

import asyncpg


async def real_now(dsn: str) -> datetime:
    """The database's real time."""
    found: datetime = await _ask(dsn, "SELECT now()")
    return found


async def shift(dsn: str) -> float:
    """Seconds by which `clock()` is ahead of the real time."""
    found: timedelta = await _ask(dsn, "SELECT shift FROM clock_shift")
    return found.total_seconds()


async def move(owner_dsn: str, seconds: float) -> float:
    """Move `clock()` forward; the new shift in seconds. Only the owner's role may."""
    found: timedelta = await _ask(
        owner_dsn,
        "UPDATE clock_shift SET shift = shift + $1 RETURNING shift",
        timedelta(seconds=seconds),
    )
    return found.total_seconds()


async def beats(dsn: str, since: datetime) -> bool:
    """Whether a scheduler has said since then, in real time, that it is alive."""
    found = "SELECT EXISTS (SELECT FROM heartbeats WHERE name = 'scheduler' AND beat_at >= $1)"
    return bool(await _ask(dsn, found, since))


async def free_leases(owner_dsn: str) -> None:
    """End all leases, in a database whose every user is dead: ours, just started.

    Otherwise a bot that follows a killed one would stand by until its lease is over.
    """
    await _ask(owner_dsn, "UPDATE leases SET held_until = now() WHERE held_until > now()")


async def _ask(dsn: str, sql: str, *arguments: object) -> Any:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(sql, *arguments)
    finally:
        await connection.close()
