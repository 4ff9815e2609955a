"""Open transactions that never end, as a program that hangs leaves them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from sqlalchemy import make_url

from sandbox import embedded
from tests.conftest import Database

ENDED = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    ConnectionError,
)
"""The errors of a statement in a session that the server has ended.

InternalClientError comes if the driver has read the server's message, but not yet the end of the
connection.
"""
_LIMITS = ("statement", "transaction", "idle_in_transaction_session", "lock")


@asynccontextmanager
async def opened(url: str, *, has_limits: bool = True) -> AsyncIterator[asyncpg.Connection]:
    """Yield a session with an open transaction, by default with the time limits of its login."""
    connection = await asyncpg.connect(url)
    if not has_limits:
        for limit in _LIMITS:
            await connection.execute(f"SET {limit}_timeout = 0")
    await connection.execute("BEGIN")
    yield connection
    connection.terminate()


def superuser_url(server: embedded.Postgres, database: Database) -> str:
    """Return the URL with which a superuser connects to a test's database."""
    return server.dsn(embedded.SUPERUSER, str(make_url(database.url).database))
