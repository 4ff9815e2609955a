"""Run a PostgreSQL server for tests, and create databases as copies of a template.

In a parallel run, each process starts a server in its own folder. The server does not wait until
data is on the disk. It ends when its process ends, even if the process is killed.
"""

import asyncio
import io
import json
from pathlib import Path
from typing import cast

import asyncpg
from sqlalchemy import URL, make_url

from sandbox import embedded, logins, processes

_SETTINGS = {
    "autovacuum": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "scram_iterations": "1",  # thousands of iterations would be most of the work of a login
}
_LIMIT = "120s"
"""The limit of a statement and of a transaction. The product's 30 s are too short for a test whose
machine is busy with other tests."""


def start_test_postgres(folder: Path) -> embedded.Postgres:
    """Start a server in `folder`. The caller must stop it with `stop_test_postgres`.

    The caller must be a fixture that runs in the main thread. The new server has the roles of the
    product and an empty database `adtech`. The start takes 0.7 s.
    """
    return asyncio.run(_start(folder))


async def _start(folder: Path) -> embedded.Postgres:
    server = await embedded.start_postgres(folder, durable=False, settings=_SETTINGS)
    connection = await asyncpg.connect(server.dsn(embedded.SUPERUSER, "postgres"))
    try:
        for role in logins.LOGINS:
            for limit in ("statement_timeout", "transaction_timeout"):
                await connection.execute(f"ALTER ROLE {role} SET {limit} = '{_LIMIT}'")
    finally:
        await connection.close()
    return server


def driver_url(url: str) -> URL:
    """Return the URL of a test server in the form that SQLAlchemy's engines need."""
    return make_url(url).set(drivername="postgresql+asyncpg")


def address_of(server: embedded.Postgres) -> str:
    """Return a text with which `attached_postgres` finds a running server."""
    return f"{server.folder}:{server.socket_folder}"


def attached_postgres(address: str) -> embedded.Postgres:
    """Return an object for a server that another process has started and will stop."""
    folder, socket_folder = map(Path, address.split(":"))
    return embedded.Postgres(
        child=cast("processes.Child", None),
        folder=folder,
        socket_folder=socket_folder,
        passwords=json.loads((folder / "passwords.json").read_text()),
        held=io.BytesIO(),
    )


def stop_test_postgres(server: embedded.Postgres) -> None:
    """Stop a server that `start_test_postgres` started."""
    asyncio.run(server.stop())


async def clone_database(server: embedded.Postgres, template: str, name: str) -> None:
    """Create the database `name` as a copy of `template`.

    Before the call, all connections to `template` must be closed. The copy does not inherit the
    rights to connect. Therefore the function grants these rights to the product's roles.
    """
    connection = await asyncpg.connect(server.dsn(embedded.SUPERUSER, "postgres"))
    try:
        await connection.execute(
            f'CREATE DATABASE "{name}" TEMPLATE "{template}" OWNER {embedded.OWNER} '
            "STRATEGY FILE_COPY"
        )
        await logins.restrict_connections(connection, name)
    finally:
        await connection.close()


async def drop_database(server: embedded.Postgres, name: str) -> None:
    """Delete a database, even if connections to it are open."""
    connection = await asyncpg.connect(server.dsn(embedded.SUPERUSER, "postgres"))
    try:
        await connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    finally:
        await connection.close()
