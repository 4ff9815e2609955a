"""Runs migrations as the owner's role, named by MIGRATION_DATABASE_URL."""

import asyncio
import os
import sys

from alembic import context
from sqlalchemy import Connection

from db.models import campaigns, money, operations, posting, users
from db.models.base import Base
from db.session import create_engine

DESCRIBED = (campaigns, money, operations, posting, users)
"""Their import is what fills the metadata that `alembic check` compares with."""

LOCK = 7_002
"""Advisory lock: two deployments at once migrate one after the other."""


def run(connection: Connection) -> None:
    """Migrate over one connection, in one transaction."""
    context.configure(
        connection=connection, target_metadata=Base.metadata, compare_server_default=False
    )
    with context.begin_transaction():
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
        context.run_migrations()


async def main() -> None:
    """Connect, migrate, disconnect."""
    url = os.environ.get("MIGRATION_DATABASE_URL")
    if not url:
        sys.stderr.write("MIGRATION_DATABASE_URL is missing\n")
        raise SystemExit(2)
    engine = create_engine(url)
    async with engine.connect() as connection:
        await connection.run_sync(run)
    await engine.dispose()


given: Connection | None = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    asyncio.run(main())
