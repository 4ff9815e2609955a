"""Engines and sessions: the only module that knows how the database is reached.

Entry points open `async with sessions.begin() as session:`; services never commit.
"""

from sqlalchemy import URL, make_url
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

    A connection is tested before use, so that a restart of PostgreSQL costs a person nothing.
    """
    return create_async_engine(
        driver_url(url),
        pool_size=POOL_SIZE,
        max_overflow=POOL_OVERFLOW,
        pool_timeout=POOL_WAIT_SECONDS,
        pool_pre_ping=True,
        isolation_level="READ COMMITTED",
        hide_parameters=True,
        connect_args={
            "timeout": CONNECT_SECONDS,
            "server_settings": {"timezone": "UTC", "jit": "off"},
        },
    )


def create_sessions(engine: AsyncEngine) -> Sessions:
    """Make sessions whose rows stay readable after the commit."""
    return async_sessionmaker(engine, expire_on_commit=False)
