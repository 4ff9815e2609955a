"""Test that the login of one kind of process cannot write the rows of the other kind."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from sandbox import embedded, logins
from tests.conftest import Database

BEAT = "INSERT INTO heartbeats (owner, name) VALUES ($1, $2)"
ALERT = (
    "INSERT INTO alerts (name, watcher, firing, value, in_chat, sent_out)"
    " VALUES ($1, $2, true, 1, true, true)"
)


@asynccontextmanager
async def connected(
    server: embedded.Postgres, database: Database, login: str
) -> AsyncIterator[asyncpg.Connection]:
    """Yield a connection with a login."""
    name = database.url.partition("@/")[2].partition("?")[0]
    connection = await asyncpg.connect(server.dsn(login, name))
    try:
        yield connection
    finally:
        await connection.close()


@pytest.mark.parametrize("statement", [BEAT, ALERT])
@pytest.mark.parametrize(
    ("login", "own", "other"),
    [(logins.BOT, "bot", "scheduler"), (logins.CLOCK, "scheduler", "bot")],
)
async def test_a_login_writes_only_its_own_rows(
    server: embedded.Postgres, database: Database, statement: str, login: str, own: str, other: str
) -> None:
    async with connected(server, database, login) as connection:
        await connection.execute(statement, "one", own)
        with pytest.raises(asyncpg.PostgresError) as refused:
            await connection.execute(statement, "two", other)
    assert refused.value.sqlstate == "AD088"
    assert refused.value.detail == other
