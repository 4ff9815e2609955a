"""Money in a database, and what its owner could do to it behind everybody's back."""

import asyncpg

from tests.conftest import Database

GUARDED = (
    *("wallets", "ledger_entries", "ledger_transfers", "audit_chain_links", "escrows"),
    *("campaign_targets", "post_jobs", "deposits", "campaigns", "withdrawals", "clawbacks"),
    "corrections",
)


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
