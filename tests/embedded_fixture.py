"""Run a PostgreSQL server for tests only, and create its databases as copies of a template.

Each process of a parallel run starts a server in its own folder. Nothing is synchronized to the
disk. The server ends with its process, even if the process is killed.
"""

import asyncio
import io
import json
from pathlib import Path
from typing import cast

import asyncpg
from sqlalchemy import URL, make_url

from sandbox import embedded, logins, processes

_SETTINGS = {"autovacuum": "off", "wal_level": "minimal", "max_wal_senders": "0"}
_LIMIT = "120s"
"""The limit of a statement and of a transaction. The product's 30 s are too short for a test whose
machine is busy with other tests."""


def start_test_postgres(folder: Path) -> embedded.Postgres:
    """Start a server in `folder`, which `stop_test_postgres` stops later.

    The caller must be a fixture that runs in the main thread. The roles and the empty database
    `adtech` exist in the new server, in the same way as in the sandbox. The start takes 0.7 s.
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
    """Return the URL with which SQLAlchemy's engines connect to a test server."""
    return make_url(url).set(drivername="postgresql+asyncpg")


def address_of(server: embedded.Postgres) -> str:
    """Return the address by which `attached_postgres` finds a running server."""
    return f"{server.folder}:{server.socket_folder}"


def attached_postgres(address: str) -> embedded.Postgres:
    """Return a server that another process has started and will stop."""
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
    """Create the database `name` as a copy of `template`; nobody may be connected to `template`.

    A copy does not inherit the right to connect to the database. Therefore, the right is granted
    again.
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
    """Drop a database, even if somebody is still connected to it."""
    connection = await asyncpg.connect(server.dsn(embedded.SUPERUSER, "postgres"))
    try:
        await connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    finally:
        await connection.close()
