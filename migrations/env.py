"""Run the migrations with the database role that owns the tables (MIGRATION_DATABASE_URL).

Each migration has its own transaction, or several (`migrations/online.py`). A statement waits at
most LOCK_MILLISECONDS for a lock, because everybody who needs the same table waits behind it. If it
does not get the lock, the transaction is rolled back and tried again after a pause, in which the
others continue.
"""

import asyncio
import os
import sys
import time

from alembic import context
from sqlalchemy import Connection, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from db import role_names
from db.models import (
    agreements,
    audience,
    calendars,
    campaigns,
    catalogue,
    complaints,
    connections,
    corrections,
    deposit_returns,
    destinations,
    formats,
    intake,
    losses,
    managers,
    moderation,
    money,
    operations,
    payout_waits,
    posting,
    removals,
    results,
    top_watch,
    users,
)
from db.models.base import Base
from db.session import cause, create_engine, is_away, sqlstate

DESCRIBED = (
    agreements,
    audience,
    calendars,
    campaigns,
    catalogue,
    complaints,
    connections,
    corrections,
    deposit_returns,
    destinations,
    formats,
    intake,
    losses,
    managers,
    moderation,
    money,
    operations,
    payout_waits,
    posting,
    removals,
    results,
    top_watch,
    users,
)
"""The modules that define all tables, which `alembic check` compares with the database."""

LOCK = 7_002
"""The key of an advisory lock for one migration at a time."""
LOCK_MILLISECONDS = 250
PAUSE_SECONDS = 0.5
GIVE_UP_SECONDS = 900.0
"""A migration fails if it gets no lock for this long, because another session holds a table."""
LOCK_STATES = ("55P03", "40P01")
"""The SQLSTATEs of a lock that was not free in time, and of a deadlock."""


def run(connection: Connection) -> None:
    """Run the migrations over one connection, each in its own transaction."""
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        compare_server_default=False,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
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
        # A release before does not know the latest job.
        stored = {job: name for job, name in zip(names, row, strict=True) if name is not None}
        known = ",".join(f"{job}={name}" for job, name in stored.items())
        if setting and not stored.items() <= names.items():
            raise role_names.RoleNamesError(f"this database was migrated with {known}")
        if not setting:
            names = role_names.parse(known)
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


async def run_patiently(connection: AsyncConnection) -> None:
    """Run the migrations, and try again after a pause if a lock is not free in time."""
    deadline = time.monotonic() + GIVE_UP_SECONDS
    is_told = False
    while True:
        try:
            await connection.run_sync(run)
            await connection.commit()
        except DBAPIError as error:
            if sqlstate(error) not in LOCK_STATES or time.monotonic() > deadline:
                raise
            await connection.rollback()
            if not is_told:
                sys.stderr.write("another session holds a table: trying again until it is free\n")
                is_told = True
            await asyncio.sleep(PAUSE_SECONDS)
        else:
            return


def limit_waiting(connection: Connection) -> None:
    """Limit the wait for each lock of the transaction that begins.

    Outside of a transaction this has no effect: an index that is created concurrently waits for
    others without blocking them.
    """
    connection.exec_driver_sql(f"SELECT set_config('lock_timeout', '{LOCK_MILLISECONDS}ms', true)")


async def migrate(engine: AsyncEngine) -> None:
    """Run the migrations, one process at a time."""
    # The lock belongs to a second connection, because migrations commit meanwhile.
    async with engine.connect() as holder, engine.connect() as connection:
        await holder.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
        # The driver keeps the last statement's snapshot, for which a concurrent index would
        # wait. This statement has no snapshot.
        await holder.exec_driver_sql("SET LOCAL lock_timeout = 0")
        await connection.run_sync(use_role_names, os.environ.get("DATABASE_ROLES", ""))
        await connection.commit()
        event.listen(engine.sync_engine, "begin", limit_waiting)
        await run_patiently(connection)


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
        engine = create_engine(url, statement_seconds=None)
        try:
            await migrate(engine)
        finally:
            await engine.dispose()
    except Exception as error:
        if not isinstance(error, ValueError) and not is_away(error):
            raise
        problem = str(error) if isinstance(error, ValueError) else cause(error)
        wrong = isinstance(error, role_names.RoleNamesError)
        setting = "DATABASE_ROLES" if wrong else "MIGRATION_DATABASE_URL"
        sys.stderr.write(f"{setting}: {problem}\n")
        raise SystemExit(2) from None


asyncio.run(main())
