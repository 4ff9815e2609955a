"""Money in a database, and what its owner could do to it behind everybody's back."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import asyncpg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from db.session import create_engine, create_sessions
from sandbox import embedded
from services.market import payment_reversals
from services.money import (
    deposits,
    escrow,
    incremental_check,
    scoped_invariants,
    wallets,
    withdrawals,
)
from services.money.incremental_check import Limits, Progress
from tests.conftest import Database
from tests.embedded_fixture import clone_database, drop_database
from tests.factories import people

BUSINESS = "adtech_business"
"""A template: money of every kind has moved."""
TO_BREAK = "adtech_to_break"
"""Its copy, in which nothing is ever committed."""
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


async def some_business(session: AsyncSession) -> None:
    """A placement that was paid, one that was refunded, and one whose money is held."""
    paid = await people.posted(session, promised_hours=0)
    await escrow.release(session, target_id=paid.target.id)
    lost = await people.failed(session)
    await escrow.refund(session, target_id=lost.target.id)
    await people.approved(session)
    await people.commit(session)


async def cross_the_border(session: AsyncSession) -> None:
    """A deposit taken back, a withdrawal of each kind, and an adjustment."""
    payer, earner = await people.person(session), await people.person(session, balance=900)
    admin = await people.staff(session)
    assert payer.user_id is not None
    paid: dict[str, Any] = {"user_id": payer.user_id, "amount": 700, "source": "telegram"}
    await deposits.deposit(session, key="taken-back", **paid)
    await payment_reversals.reverse(session, external_reference="taken-back", **paid)
    out = await withdrawals.request(session, actor=earner, amount=300, key="paid")
    await withdrawals.mark_paid(
        session, actor=admin, withdrawal_id=out.id, external_reference="bank-1"
    )
    await withdrawals.request(session, actor=earner, amount=200, key="waits")
    assert earner.user_id is not None
    one = await wallets.of_user(session, earner.user_id)
    two = await wallets.of_user(session, payer.user_id)
    await people.adjusted(session, one.id, two.id, 50)
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
        violations, _ = await incremental_check.new_since(session, since)
        return {violation.name for violation in violations}


async def broken_in_a_round(session: AsyncSession, limits: Limits) -> set[str]:
    """Go round once, part by part; return the names of what is broken."""
    found: set[str] = set()
    progress = Progress()
    done: set[str] = set()
    for _ in range(1_000):
        violations, progress = await incremental_check.run_part(session, progress, limits=limits)
        found |= {violation.name for violation in violations}
        done |= {
            name
            for name in ("wallet", "transfer", "target", "deposit", "withdrawal")
            if getattr(progress, name) == 0
        }
        if len(done) == 5:
            return found | {
                each.name for each in await scoped_invariants.find_unscoped_violations(session)
            }
    raise AssertionError("it never comes round")
