"""Engines and sessions: the only module that knows how the database is reached.

Entry points open `async with sessions.begin() as session:`; services never commit.
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
"""Kept once they were needed: overflowing ones are closed after each use, and to connect anew costs
more than a transaction (32 approvals at once went at a quarter of the pace of 8)."""
POOL_WAIT_SECONDS = 10
CONNECT_SECONDS = 5
AWAY_STATES = ("08", "57P", "53300")
"""SQLSTATE beginnings: connection lost, shutting down or starting up, no connection left."""
CONFLICT_STATES = ("40001", "40P01", "55P03", "25P04", "57014")
"""SQLSTATEs: serialization, deadlock, a lock, a transaction or a statement that took too long."""

Sessions = async_sessionmaker[AsyncSession]


def driver_url(url: str) -> URL:
    """Turn a `postgresql://` address into the one of the asynchronous driver."""
    return make_url(url).set(drivername="postgresql+asyncpg")


def create_engine(url: str) -> AsyncEngine:
    """Make the pool of connections. READ COMMITTED: the kill switches rely on it.

    A connection that its server has closed is replaced before use, so that a restart of PostgreSQL
    costs a person nothing.
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
    """Tell whether an error means that PostgreSQL could not be reached, or went away meanwhile."""
    if isinstance(error, BaseExceptionGroup):
        return all(is_away(inner) for inner in error.exceptions)
    if isinstance(error, OSError | TimeoutError | PoolTimeoutError):
        return True
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    return _state(error).startswith(AWAY_STATES)


def is_conflict(error: BaseException) -> bool:
    """Tell whether transactions stood in each other's way, or one took too long: try again."""
    return _state(error).startswith(CONFLICT_STATES)


def _state(error: BaseException) -> str:
    cause = error.orig if isinstance(error, DBAPIError) else error
    return str(getattr(cause, "sqlstate", None))


def _refuse_closed(connection: Any, _record: object, _proxy: object) -> None:
    """Have the pool replace a closed connection. Its socket knows; a ping is three round trips."""
    if connection.driver_connection.is_closed():
        raise DisconnectionError


def create_sessions(engine: AsyncEngine) -> Sessions:
    """Make sessions whose rows stay readable after the commit."""
    return async_sessionmaker(engine, expire_on_commit=False)
