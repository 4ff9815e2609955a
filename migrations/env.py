"""Run the migrations with the database role that owns the tables (MIGRATION_DATABASE_URL)."""

import asyncio
import os
import sys

from alembic import context
from sqlalchemy import Connection

from db.models import campaigns, corrections, intake, losses, money, operations, posting, users
from db.models.base import Base
from db.session import cause, create_engine, is_away

DESCRIBED = (campaigns, corrections, intake, losses, money, operations, posting, users)
"""The modules that define all tables, which `alembic check` compares with the database."""

LOCK = 7_002
"""The key of an advisory lock for one migration at a time."""


def run(connection: Connection) -> None:
    """Run the migrations over one connection, in one transaction."""
    context.configure(
        connection=connection, target_metadata=Base.metadata, compare_server_default=False
    )
    with context.begin_transaction():
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
        context.run_migrations()


async def main() -> None:
    """Connect to the database, run the migrations, and disconnect.

    If the address is wrong or the database does not answer, writes one line to stderr and exits
    with the status 2.
    """
    url = os.environ.get("MIGRATION_DATABASE_URL")
    if not url:
        sys.stderr.write("MIGRATION_DATABASE_URL is missing\n")
        raise SystemExit(2)
    try:
        engine = create_engine(url)
        async with engine.connect() as connection:
            await connection.run_sync(run)
        await engine.dispose()
    except Exception as error:
        if not isinstance(error, ValueError) and not is_away(error):
            raise
        problem = str(error) if isinstance(error, ValueError) else cause(error)
        sys.stderr.write(f"MIGRATION_DATABASE_URL: {problem}\n")
        raise SystemExit(2) from None


given: Connection | None = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    asyncio.run(main())
