"""Run the checks of the ledger in tests."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.money import (
    incremental_check,
    scoped_invariants,
)
from services.money.incremental_check import Limits, Progress
from tests.conftest import Database


async def horizon(database: Database) -> int:
    """Return a number: every transaction with a lower number has ended."""
    async with database.sessions.begin() as session:
        found = await session.execute(text("SELECT ledger_horizon()"))
        reached: int = found.scalar_one()
        return reached


async def broken_since(database: Database, since: int) -> set[str]:
    """Return the invariants that rows violate in the transactions from number `since` on."""
    async with database.sessions.begin() as session:
        violations, _ = await incremental_check.new_since(session, since)
        return {violation.name for violation in violations}


async def broken_in_a_round(session: AsyncSession, limits: Limits) -> set[str]:
    """Run the rolling check until it has read every row. Return the violated invariants."""
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
    raise AssertionError("the round does not end")
