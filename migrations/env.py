"""Run the migrations with the database role that owns the tables (MIGRATION_DATABASE_URL)."""

import asyncio
import os
import sys

from alembic import context
from sqlalchemy import Connection, event

from db import role_names
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
        use_role_names(connection, os.environ.get("DATABASE_ROLES", ""))
        context.run_migrations()


def use_role_names(connection: Connection, setting: str) -> None:
    """Let the migrations use the names of the database roles that the setting DATABASE_ROLES has.

    A database that was migrated before knows the names. Raises RoleNamesError if the setting has
    others, or names a role that does not exist.
    """
    names = role_names.parse(setting)
    is_known = connection.exec_driver_sql("SELECT to_regprocedure('role_name(text)') IS NOT NULL")
    if is_known.scalar():
        jobs = ", ".join(f"role_name('{job}')" for job in names)
        row = connection.exec_driver_sql(f"SELECT {jobs}").one()
        stored = dict(zip(names, row, strict=True))
        if setting and names != stored:
            known = ",".join(f"{job}={name}" for job, name in stored.items())
            raise role_names.RoleNamesError(f"this database was migrated with {known}")
        names = stored
    if names == role_names.USUAL:
        return
    found = connection.exec_driver_sql("SELECT rolname FROM pg_roles").scalars().all()
    if missing := sorted({*names.values()} - {*found}):
        raise role_names.RoleNamesError(f"these roles do not exist: {', '.join(missing)}")

    @event.listens_for(connection, "before_cursor_execute", retval=True)
    def rename(
        _connection: object, _cursor: object, statement: str, parameters: object, *_: object
    ) -> tuple[str, object]:
        return role_names.rename(statement, names), parameters


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
        wrong = isinstance(error, role_names.RoleNamesError)
        setting = "DATABASE_ROLES" if wrong else "MIGRATION_DATABASE_URL"
        sys.stderr.write(f"{setting}: {problem}\n")
        raise SystemExit(2) from None


given: Connection | None = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    asyncio.run(main())
