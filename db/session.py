"""Create engines and sessions, and classify the database's errors.

No other module connects to the database. Entry points open `async with sessions.begin() as
session:`, and services never commit.
"""

from typing import Any

from sqlalchemy import URL, event, make_url
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)

POOL_SIZE = 32
"""Connections that the pool opens when they are needed, and keeps.

There is no overflow: an overflow connection is closed after each use, and a new connection costs
more than a transaction. With overflow, 32 concurrent approvals ran at a quarter of the rate of 8.
"""
POOL_WAIT_SECONDS = 10
CONNECT_SECONDS = 5
AWAY_STATES = ("08", "57P", "53300")
"""Prefixes of SQLSTATEs: connection lost, server stopping or starting, no connection left."""
CONFLICT_STATES = ("40001", "40P01", "55P03", "25P04", "57014")
"""SQLSTATEs: serialization failure, deadlock, and time limits.

The limits are those of a lock, a transaction and a statement.
"""

Sessions = async_sessionmaker[AsyncSession]


def driver_url(url: str) -> URL:
    """Turn a `postgresql://` address into the address for the asynchronous driver."""
    return make_url(url).set(drivername="postgresql+asyncpg")


def create_engine(url: str) -> AsyncEngine:
    """Create an engine with a pool of connections and the isolation level READ COMMITTED.

    The kill switches rely on READ COMMITTED. A connection that the server has closed is replaced
    before use, so that no request fails after a restart of PostgreSQL.
    """
    engine = create_async_engine(
        driver_url(url),
        pool_size=POOL_SIZE,
        max_overflow=0,
        pool_use_lifo=True,
        pool_timeout=POOL_WAIT_SECONDS,
        isolation_level="READ COMMITTED",
        hide_parameters=True,
        connect_args={
            "timeout": CONNECT_SECONDS,
            "server_settings": {"timezone": "UTC", "jit": "off"},
        },
    )
    event.listen(engine.sync_engine, "checkout", _refuse_closed)
    return engine


def is_away(error: BaseException) -> bool:
    """Tell whether an error means that PostgreSQL cannot be reached, or that a connection broke."""
    if isinstance(error, BaseExceptionGroup):
        return all(is_away(inner) for inner in error.exceptions)
    if isinstance(error, OSError | TimeoutError | PoolTimeoutError):
        return True
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    return _sqlstate(error).startswith(AWAY_STATES)


def is_conflict(error: BaseException) -> bool:
    """Tell whether a transaction failed through a conflict or a time limit, and may be repeated."""
    return _sqlstate(error).startswith(CONFLICT_STATES)


def _sqlstate(error: BaseException) -> str:
    cause = error.orig if isinstance(error, DBAPIError) else error
    return str(getattr(cause, "sqlstate", None))


def _refuse_closed(connection: Any, _record: object, _proxy: object) -> None:
    """Make the pool replace a closed connection, on its checkout. Raises DisconnectionError.

    The driver knows from the socket that a connection is closed; a ping would be three round trips.
    """
    if connection.driver_connection.is_closed():
        raise DisconnectionError


def create_sessions(engine: AsyncEngine) -> Sessions:
    """Create a factory of sessions whose rows stay readable after the commit."""
    return async_sessionmaker(engine, expire_on_commit=False)
