"""Read and move the database's clock, read heartbeats, and end leases."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import asyncpg

from db import address


async def read_real_time(dsn: str) -> datetime:
    """Return the database's real time, `now()`."""
    found: datetime = await _fetch_value(dsn, "SELECT now()")
    return found


async def read_shift(dsn: str) -> float:
    """Return how many seconds the database's `clock()` is ahead of the real time."""
    found: timedelta = await _fetch_value(dsn, "SELECT shift FROM clock_shift")
    return found.total_seconds()


async def move_forward(owner_dsn: str, seconds: float) -> float:
    """Move the database's `clock()` forward by a number of seconds.

    Returns how many seconds `clock()` is then ahead of the real time. The role in `owner_dsn` must
    own the tables. Locks the table of placements, then the row of the clock's shift.
    """
    async with _connection(owner_dsn) as connection, connection.transaction():
        await connection.execute("LOCK TABLE campaign_targets IN EXCLUSIVE MODE")
        found: timedelta = await connection.fetchval(
            "UPDATE clock_shift SET shift = shift + $1 RETURNING shift", timedelta(seconds=seconds)
        )
    return found.total_seconds()


async def has_heartbeat_since(dsn: str, since: datetime) -> bool:
    """Return whether a scheduler wrote a heartbeat at the real time `since` or later."""
    found = "SELECT EXISTS (SELECT FROM heartbeats WHERE name = 'scheduler' AND beat_at >= $1)"
    return bool(await _fetch_value(dsn, found, since))


async def end_leases(owner_dsn: str) -> None:
    """End all leases in the database.

    Call this function only while no process of the product runs.
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
