"""Money in a database, and what its owner could do to it behind everybody's back."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import asyncpg

from db.session import create_engine, create_sessions
from sandbox import embedded
from tests.conftest import Database
from tests.embedded_fixture import clone_database, drop_database

GUARDED = (
    *("wallets", "ledger_entries", "ledger_transfers", "audit_chain_links", "escrows"),
    *("campaign_targets", "post_jobs", "deposits", "campaigns", "withdrawals", "clawbacks"),
    "corrections",
)


@asynccontextmanager
async def world_of_its_own(
    server: embedded.Postgres, template: str, *, name: str | None = None
) -> AsyncIterator[Database]:
    """A copy of a template that may be left broken."""
    name = name or f"broken_{uuid4().hex}"
    await clone_database(server, template, name)
    url = server.dsn(embedded.APP, name)
    engine = create_engine(url)
    try:
        yield Database(create_sessions(engine), url, server.dsn(embedded.OWNER, name))
    finally:
        await engine.dispose()
        await drop_database(server, name)


async def tamper(database: Database, *statements: str) -> None:
    """Change what may not be changed, as the owner, with the guards switched off meanwhile."""
    connection = await asyncpg.connect(database.owner_url)
    try:
        async with connection.transaction():
            for name in GUARDED:
                await connection.execute(f"ALTER TABLE {name} DISABLE TRIGGER USER")
            for statement in statements:
                await connection.execute(statement)
            for name in GUARDED:
                await connection.execute(f"ALTER TABLE {name} ENABLE TRIGGER USER")
    finally:
        await connection.close()
