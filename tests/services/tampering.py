"""Money in a database, and what its owner could do to it behind everybody's back."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import asyncpg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from db.session import create_engine, create_sessions
from sandbox import embedded
from services import escrow, ledger_checks, scopes
from services.ledger_checks import Limits, Progress
from tests.conftest import Database
from tests.embedded_fixture import clone_database, drop_database
from tests.factories import people

GUARDED = ("wallets", "ledger_entries", "ledger_transfers", "escrows", "ledger_seals")


@asynccontextmanager
async def world_of_its_own(server: embedded.Postgres) -> AsyncIterator[Database]:
    """A database that may be left broken."""
    name = f"broken_{uuid4().hex}"
    await clone_database(server, embedded.DATABASE, name)
    url = server.dsn(embedded.APP, name)
    engine = create_engine(url)
    try:
        database = Database(create_sessions(engine), url, server.dsn(embedded.OWNER, name))
        async with database.sessions.begin() as session:
            await people.run_switches(session)
        yield database
    finally:
        await engine.dispose()
        await drop_database(server, name)


async def some_business(session: AsyncSession) -> None:
    """A placement that was paid, one that was refunded, and one whose money is held."""
    paid = await people.posted(session, promised_hours=0)
    await escrow.release(session, target_id=paid.target.id)
    lost = await people.failed(session)
    await escrow.refund(session, target_id=lost.target.id)
    await people.approved(session)
    await people.commit(session)


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


async def horizon(database: Database) -> int:
    """Return what the check of what is new would go on from."""
    async with database.sessions.begin() as session:
        found = await session.execute(text("SELECT ledger_horizon()"))
        reached: int = found.scalar_one()
        return reached


async def broken_since(database: Database, since: int) -> set[str]:
    """Return the names of what the check of what is new finds broken."""
    async with database.sessions.begin() as session:
        violations, _ = await ledger_checks.new_since(session, since)
        return {violation.name for violation in violations}


async def broken_in_a_round(session: AsyncSession, limits: Limits) -> set[str]:
    """Go round once, part by part; return the names of what is broken."""
    found: set[str] = set()
    progress = Progress()
    done: set[str] = set()
    for _ in range(1_000):
        violations, progress = await ledger_checks.run_part(session, progress, limits=limits)
        found |= {violation.name for violation in violations}
        done |= {
            name
            for name in ("wallet", "transfer", "target", "deposit", "withdrawal")
            if getattr(progress, name) == 0
        }
        if len(done) == 5:
            return found | {each.name for each in await scopes.without_parts(session)}
    raise AssertionError("it never comes round")
