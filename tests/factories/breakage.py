"""Break the database's rules for a test."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import asyncpg
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.corrections import Correction, CorrectionStatus
from db.session import create_engine, create_sessions
from services.money import corrections, incidents, reconciliation
from services.platform.actors import Actor
from tests.conftest import Database
from tests.factories import presses

GUARDED_TABLES = (
    "deposit_returns",
    *("wallets", "ledger_entries", "ledger_transfers", "audit_chain_links", "escrows"),
    *("campaign_targets", "post_jobs", "deposits", "campaigns", "withdrawals", "clawbacks"),
    *("corrections", "excess_payments", "ledger_checkpoints", "users", "channels", "moved_chats"),
)
"""The tables whose triggers are disabled while a test changes rows."""

UNFROZEN = "ALTER TABLE campaigns DISABLE TRIGGER frozen"
"""SQL that lets a test change the ad of a campaign."""
UNSIGNED = (
    "ALTER TABLE corrections DISABLE TRIGGER signed_proposal, DISABLE TRIGGER signed_confirmation"
)
"""SQL that lets a test make corrections without the presses of two admins."""


async def refuse_inserts(database: Database, table: str, sqlstate: str) -> None:
    """Let each insertion into a table fail with this SQLSTATE. The sequence `attempts` counts."""
    await database.as_owner("CREATE SEQUENCE attempts")
    await database.as_owner("GRANT SELECT, USAGE ON SEQUENCE attempts TO PUBLIC")
    await database.as_owner(
        "CREATE FUNCTION refused() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN PERFORM nextval('attempts');"
        f" RAISE EXCEPTION 'refused' USING ERRCODE = '{sqlstate}'; END $$"
    )
    await database.as_owner(
        f"CREATE TRIGGER refused BEFORE INSERT ON {table} EXECUTE FUNCTION refused()"
    )


async def run_unguarded(database: Database, *statements: str) -> None:
    """Run statements in one transaction without the triggers that would refuse them."""
    connection = await asyncpg.connect(database.owner_url)
    try:
        async with connection.transaction():
            for name in GUARDED_TABLES:
                await connection.execute(f"ALTER TABLE {name} DISABLE TRIGGER USER")
            for statement in statements:
                await connection.execute(statement)
            for name in GUARDED_TABLES:
                await connection.execute(f"ALTER TABLE {name} ENABLE TRIGGER USER")
    finally:
        await connection.close()


def orphan(wallet_id: int, amount: int, *, key: str = "by hand", after: str = "balance") -> str:
    """Return SQL that inserts an entry without changing the wallet's balance.

    `after` is an SQL expression for the entry's `balance_after`.
    """
    return (
        "WITH made AS (INSERT INTO ledger_transfers (key, reason, reference_id)"
        f" VALUES ('{key}', 'deposit', 999) RETURNING id)"
        " INSERT INTO ledger_entries (transfer_id, wallet_id, amount, balance_after, version,"
        f" reason, reference_id) SELECT made.id, w.id, {amount}, {after}, 1 + (SELECT max(version)"
        " FROM ledger_entries WHERE wallet_id = w.id), 'deposit', 999"
        f" FROM made, wallets w WHERE w.id = {wallet_id}"
    )


@asynccontextmanager
async def as_owner(database: Database) -> AsyncIterator[AsyncSession]:
    """Open a transaction as the owner of the tables, and yield its session."""
    engine = create_engine(database.owner_url)
    try:
        async with create_sessions(engine).begin() as session:
            yield session
    finally:
        await engine.dispose()


async def confirmed_correction(
    database: Database,
    proposer: Actor,
    confirmer: Actor,
    propose: str,
    what: int,
    *,
    applier: Actor | None = None,
) -> Correction:
    """Let one admin propose a correction, and let another admin confirm it.

    If the confirmation does not carry it out, `applier` or the second admin also signs that they
    apply it.

    `what` is the id of the repaired wallet, entry or placement.
    """
    functions: dict[str, tuple[Callable[..., Awaitable[Correction]], str]] = {
        "reset": (corrections.propose_balance_reset, "wallet_id"),
        "orphan": (corrections.propose_orphan, "entry_id"),
        "payout": (corrections.propose_missing_payout, "target_id"),
        "reversal": (corrections.propose_escrow_reversal, "target_id"),
    }
    act, argument = functions[propose]
    async with database.sessions.begin() as session:
        proposed = await presses.propose(
            act, session, actor=proposer, reason="the incident", **{argument: what}
        )
    async with database.sessions.begin() as session:
        confirmed = await corrections.confirm(
            session,
            actor=await presses.confirm_correction(session, confirmer, proposed.id),
            correction_id=proposed.id,
            reason="looked at the entries",
        )
    if confirmed.status is CorrectionStatus.CONFIRMED:
        async with database.sessions.begin() as session:
            await presses.apply_correction(session, applier or confirmer, confirmed.id)
    return confirmed


async def execute_correction(database: Database, correction: Correction) -> Correction:
    """Carry out a confirmed correction as the owner of the tables."""
    async with as_owner(database) as session:
        return await reconciliation.repair(session, correction_id=correction.id)


async def close_incident(session: AsyncSession, who: Actor, incident_id: int) -> None:
    """Check the ledger, and close an incident with a person's press."""
    assert await incidents.check_ledger_invariant(session) == []
    press = await presses.close_incident(session, who, incident_id)
    await incidents.close_incident(session, actor=press, incident_id=incident_id)
