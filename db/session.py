"""Engines and sessions: the only module that knows how the database is reached.

Entry points open `async with sessions.begin() as session:`; services never commit.
"""

from typing import Any

from sqlalchemy import URL, event, make_url
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)

POOL_SIZE = 10
POOL_OVERFLOW = 22
POOL_WAIT_SECONDS = 10
CONNECT_SECONDS = 5

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
        max_overflow=POOL_OVERFLOW,
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


def _refuse_closed(connection: Any, _record: object, _proxy: object) -> None:
    """Have the pool replace a closed connection. Its socket knows; a ping is three round trips."""
    if connection.driver_connection.is_closed():
        raise DisconnectionError


def create_sessions(engine: AsyncEngine) -> Sessions:
    """Make sessions whose rows stay readable after the commit."""
    return async_sessionmaker(engine, expire_on_commit=False)
