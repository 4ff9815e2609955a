"""Read and move the database's clock (`clock()`), find a heartbeat, and end all leases.

A heartbeat shows that the scheduler is alive. A lease gives one process the right to some work.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import asyncpg

from db import address


async def read_real_time(dsn: str) -> datetime:
    """Return the database's real time."""
    found: datetime = await _fetch_value(dsn, "SELECT now()")
    return found


async def read_shift(dsn: str) -> float:
    """Return the shift, that is, the seconds by which `clock()` is ahead of the real time."""
    found: timedelta = await _fetch_value(dsn, "SELECT shift FROM clock_shift")
    return found.total_seconds()


async def move_forward(owner_dsn: str, seconds: float) -> float:
    """Move `clock()` forward by a number of seconds, and return the new shift in seconds.

    Only the role that owns the tables may do this. Waits until no transaction has locked a
    placement, because such a transaction reads the clock several times and needs the same time each
    time. Locks the table of placements, then the row of the shift.
    """
    async with _connection(owner_dsn) as connection, connection.transaction():
        await connection.execute("LOCK TABLE campaign_targets IN EXCLUSIVE MODE")
        found: timedelta = await connection.fetchval(
            "UPDATE clock_shift SET shift = shift + $1 RETURNING shift", timedelta(seconds=seconds)
        )
    return found.total_seconds()


async def has_heartbeat_since(dsn: str, since: datetime) -> bool:
    """Return whether a scheduler has written a heartbeat (a sign of life) at `since` or later.

    `since` is a time of the real clock, which the sandbox cannot move.
    """
    found = "SELECT EXISTS (SELECT FROM heartbeats WHERE name = 'scheduler' AND beat_at >= $1)"
    return bool(await _fetch_value(dsn, found, since))


async def end_leases(owner_dsn: str) -> None:
    """End all leases of a database that was just started.

    No holder of a lease can be running at this moment. Without this function, a new bot would wait
    until the lease of a killed bot has expired.
    """
    await _fetch_value(owner_dsn, "UPDATE leases SET held_until = now() WHERE held_until > now()")


async def _fetch_value(dsn: str, sql: str, *arguments: object) -> Any:
    async with _connection(dsn) as connection:
        return await connection.fetchval(sql, *arguments)


@asynccontextmanager
async def _connection(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(**address.parse(dsn).connect_arguments())
    try:
        yield connection
    finally:
        await connection.close()
