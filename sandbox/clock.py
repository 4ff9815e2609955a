"""Read and move the database's clock (`clock()`), look for heartbeats, and end leases.

With heartbeats, the scheduler shows that it is alive. A lease gives one process the right to do
some work until a certain time.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import asyncpg

from db import address


async def read_real_time(dsn: str) -> datetime:
    """Return the database's real time (`now()`), which the sandbox cannot move."""
    found: datetime = await _fetch_value(dsn, "SELECT now()")
    return found


async def read_shift(dsn: str) -> float:
    """Return how many seconds `clock()` is ahead of the real time."""
    found: timedelta = await _fetch_value(dsn, "SELECT shift FROM clock_shift")
    return found.total_seconds()


async def move_forward(owner_dsn: str, seconds: float) -> float:
    """Move `clock()` forward by a number of seconds, and return the new shift in seconds.

    The shift says how far `clock()` is ahead of the real time. The role in `owner_dsn` must own the
    tables. The function first waits until no transaction has a lock on a placement (one ad in one
    channel). The clock must not move during such a transaction. Locks the table of placements, then
    the row of the shift.
    """
    async with _connection(owner_dsn) as connection, connection.transaction():
        await connection.execute("LOCK TABLE campaign_targets IN EXCLUSIVE MODE")
        found: timedelta = await connection.fetchval(
            "UPDATE clock_shift SET shift = shift + $1 RETURNING shift", timedelta(seconds=seconds)
        )
    return found.total_seconds()


async def has_heartbeat_since(dsn: str, since: datetime) -> bool:
    """Return whether a scheduler wrote a heartbeat (a sign of life) at the time `since` or later.

    `since` is a real time. The sandbox can move `clock()`, but not the real time.
    """
    found = "SELECT EXISTS (SELECT FROM heartbeats WHERE name = 'scheduler' AND beat_at >= $1)"
    return bool(await _fetch_value(dsn, found, since))


async def end_leases(owner_dsn: str) -> None:
    """End all leases in a database that has just been started.

    At this moment, no process that has a lease is running. After the call, a new process can get
    each lease immediately.
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
