"""Test that the product notices a network which swallows the answers of the database."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from db import address, session
from db.session import create_engine, create_sessions, is_away
from sandbox import embedded
from tests.chaos.proxy import Proxy, Streams, run_proxy
from tests.conftest import Database

STATEMENT_SECONDS = 1.0
CONNECTIONS = 8


@asynccontextmanager
async def proxied(
    server: embedded.Postgres, database: Database
) -> AsyncIterator[tuple[Proxy, AsyncEngine]]:
    """Yield a proxy before the database, and an engine that connects through the proxy."""
    place = address.parse(database.url)

    async def connect() -> Streams:
        return await asyncio.open_unix_connection(f"{server.socket_folder}/.s.PGSQL.5432")

    async with run_proxy(connect) as proxy:
        url = (
            f"postgresql://{place.user}:{place.password}@127.0.0.1:{proxy.port}"
            f"/{place.database}?sslmode=disable"
        )
        engine = create_engine(url, statement_seconds=STATEMENT_SECONDS)
        try:
            yield proxy, engine
        finally:
            await engine.dispose()


async def use(engine: AsyncEngine, statement: str = "SELECT 1") -> None:
    """Run a statement in a transaction of its own."""
    async with create_sessions(engine).begin() as opened:
        await opened.execute(text(statement))


async def test_swallowed_connections_are_noticed_and_replaced(
    server: embedded.Postgres, database: Database
) -> None:
    async with proxied(server, database) as (proxy, engine):
        await asyncio.gather(*(use(engine, "SELECT pg_sleep(0.2)") for _ in range(CONNECTIONS)))
        proxy.swallow()
        with pytest.raises(TimeoutError) as noticed:
            await use(engine)
        assert is_away(noticed.value)
        # No other old connection is tried: each of them would raise TimeoutError too.
        for _ in range(CONNECTIONS):
            await use(engine)


async def test_a_slow_commit_is_noticed_too(server: embedded.Postgres, database: Database) -> None:
    async with proxied(server, database) as (proxy, engine):
        async with create_sessions(engine)() as opened:
            await opened.execute(text("SELECT 1"))
            proxy.swallow()
            with pytest.raises(TimeoutError):
                await opened.commit()
        await use(engine)


async def test_a_stop_does_not_wait_for_swallowed_connections(
    server: embedded.Postgres, database: Database
) -> None:
    async with proxied(server, database) as (proxy, engine):
        await asyncio.gather(*(use(engine, "SELECT pg_sleep(0.2)") for _ in range(CONNECTIONS)))
        proxy.swallow()
        begun = time.monotonic()
        await session.dispose(engine)
        # One connection after the other would take CONNECTIONS * STATEMENT_SECONDS.
        assert time.monotonic() - begun < CONNECTIONS * STATEMENT_SECONDS
