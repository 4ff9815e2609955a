"""Create engines and sessions, and classify the database's errors.

No other module connects to the database. Entry points open `async with sessions.begin() as
session:`, and services never commit.
"""

from typing import Any

from asyncpg import InternalClientError
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
"""How many connections the pool opens at most. It opens them when needed, and keeps them.

There is no overflow, because an overflow connection is closed after each use. A new connection
costs more than a transaction. With overflow, 32 concurrent approvals ran at a quarter of the rate
of 8 concurrent approvals.
"""
POOL_WAIT_SECONDS = 10
CONNECT_SECONDS = 5
READ_ONLY_STATE = "25006"
"""The SQLSTATE of a write in a read-only transaction, or on a read-only server."""
AWAY_STATES = ("08", "57P", "53", "58", READ_ONLY_STATE)
"""SQLSTATE prefixes of a server that cannot work now, whatever it is asked.

The connection is lost, the server stops or starts, a resource is used up (connections, memory, the
disk), the operating system has an error, or the server is read-only.
"""
BAD_DATA_STATES = ("22", "23", "54")
"""SQLSTATE prefixes: a value is not valid, a constraint is violated, a value is too large."""
CONFLICT_STATES = ("40001", "40P01", "55P03", "25P04", "57014")
"""The SQLSTATEs of a serialization failure, a deadlock, and three exceeded time limits.

The three time limits are those of a lock, a transaction and a statement.
"""

Sessions = async_sessionmaker[AsyncSession]


def driver_url(url: str) -> URL:
    """Turn a `postgresql://` address into the address for the asynchronous driver."""
    return make_url(url).set(drivername="postgresql+asyncpg")


def create_engine(url: str) -> AsyncEngine:
    """Create an engine with a pool of connections and the isolation level READ COMMITTED.

    The kill switches need READ COMMITTED. If the server has closed a connection, the pool replaces
    the connection before use. Therefore no request fails after a restart of PostgreSQL.
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
    """Return whether an error means that PostgreSQL is not available or that a connection broke."""
    if isinstance(error, BaseExceptionGroup):
        return all(is_away(inner) for inner in error.exceptions)
    if isinstance(error, OSError | TimeoutError | PoolTimeoutError):
        return True
    if isinstance(error, DBAPIError):
        # The driver is out of step if the server ended the session while a statement was sent.
        out_of_step = isinstance(getattr(error.orig, "__cause__", None), InternalClientError)
        if error.connection_invalidated or out_of_step:
            return True
    return sqlstate(error).startswith(AWAY_STATES)


def is_conflict(error: BaseException) -> bool:
    """Return whether a transaction failed because of a conflict or a time limit.

    The caller may then repeat the transaction.
    """
    return sqlstate(error).startswith(CONFLICT_STATES)


def is_read_only(error: BaseException) -> bool:
    """Tell whether an error means that a read-only transaction or server refused a write."""
    return sqlstate(error) == READ_ONLY_STATE


def is_bad_data(error: DBAPIError) -> bool:
    """Tell whether the database or its driver refused a value, so that a repeat is refused too."""
    refused_by_driver = isinstance(getattr(error.orig, "__cause__", None), ValueError)
    return refused_by_driver or sqlstate(error).startswith(BAD_DATA_STATES)


def sqlstate(error: BaseException) -> str:
    """Return the SQLSTATE of a database error, or the text "None" for any other error."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return str(getattr(cause, "sqlstate", None))


def _refuse_closed(connection: Any, _record: object, _proxy: object) -> None:
    """Raise DisconnectionError for a closed connection, so that the pool replaces the connection.

    The driver knows from the socket that a connection is closed. A ping would cost three round
    trips.
    """
    if connection.driver_connection.is_closed():
        raise DisconnectionError


def create_sessions(engine: AsyncEngine) -> Sessions:
    """Create a factory of sessions whose rows stay readable after the commit."""
    return async_sessionmaker(engine, expire_on_commit=False)
