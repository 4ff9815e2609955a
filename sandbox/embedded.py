"""Run PostgreSQL and Valkey with their data in a folder.

The servers end when this process ends.
"""

import asyncio
import contextlib
import json
import os
import secrets
import shutil
import signal
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import asyncpg

from sandbox import binaries, folders, identity, logins, processes
from sandbox.telegram import folder_lock
from sandbox.telegram.startup_errors import CannotStart

DATABASE = "adtech"
SUPERUSER = "adtech_superuser"
OWNER = logins.OWNER
APP = logins.APP

_PORT = 5432  # only a part of the socket's name: no port is opened
_SOCKET = f".s.PGSQL.{_PORT}"
_START_LIMIT = 180.0  # seconds; after a crash, the log is read again, and a busy machine is slow
_EARLIER_SERVER_LIMIT = 30.0
_VALKEY_SOCKET = "valkey.sock"
_STATE_LINE = 7  # line number in postmaster.pid, counted from 0
_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}

_SETTINGS = {
    "listen_addresses": "",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "work_mem": "32MB",
    "max_wal_size": "256MB",
    "jit": "off",
    "huge_pages": "off",
    "dynamic_shared_memory_type": "mmap",  # in the folder, not in /dev/shm
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
    "log_checkpoints": "off",
    # Rows and statements with an error can contain people's data, so they are not logged.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
}
_NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass(frozen=True)
class Postgres:
    """A running PostgreSQL server. The open file `held` locks `folder`."""

    child: processes.Child
    folder: Path
    socket_folder: Path
    passwords: dict[str, str] = field(repr=False)
    held: BinaryIO

    def dsn(self, role: str, database: str = DATABASE) -> str:
        """Return a connection URL with the password of a database role."""
        return f"postgresql://{role}:{self.passwords[role]}@/{database}?host={self.socket_folder}"

    async def stop(self) -> None:
        """Stop the server and unlock the server's folder.

        If the server still runs after 15 s, it gets SIGKILL.
        """
        await self.child.stop((signal.SIGINT, 10), (signal.SIGQUIT, 5))
        folders.remove_sockets(self.socket_folder, self.folder)
        self.held.close()


@dataclass(frozen=True)
class Valkey:
    """A running Valkey server. The open file `held` locks `folder`."""

    child: processes.Child
    folder: Path
    socket: Path
    held: BinaryIO

    @property
    def url(self) -> str:
        """Return the server's URL for the library redis-py."""
        return f"unix://{self.socket}?db=0"

    async def stop(self) -> None:
        """Stop the server and unlock the server's folder.

        If the server still runs after 10 s, it gets SIGKILL.
        """
        await self.child.stop((signal.SIGTERM, 10))
        folders.remove_sockets(self.socket.parent, self.folder)
        self.held.close()


@contextlib.asynccontextmanager
async def postgres(folder: Path, *, durable: bool = True) -> AsyncIterator[Postgres]:
    """Run PostgreSQL with its data in `folder` until the `with` block ends.

    If `durable` is false, a crash can lose data. Raises CannotStart.
    """
    server = await start_postgres(folder, durable=durable)
    try:
        yield server
    finally:
        await server.stop()


@contextlib.asynccontextmanager
async def valkey(folder: Path) -> AsyncIterator[Valkey]:
    """Run Valkey with its data in `folder` until the `with` block ends. Raises CannotStart."""
    server = await start_valkey(folder)
    try:
        yield server
    finally:
        await server.stop()


async def start_postgres(
    folder: Path, *, durable: bool = True, settings: Mapping[str, str] | None = None
) -> Postgres:
    """Start PostgreSQL with its data in `folder`.

    Call this function from the main thread. `settings` override the sandbox's settings of
    PostgreSQL. If `durable` is false, a crash can lose data. Raises CannotStart.
    """
    folder = folder.absolute()  # noqa: ASYNC240 - a local file
    held = folder_lock.lock(folder)
    try:
        owner = identity.choose_identity(folder, binaries.postgres("postgres"))
        socket_folder = await _prepare_data_folder(folder, owner, durable=durable)
        server = Postgres(
            _spawn_postgres(
                folder,
                owner,
                _SETTINGS
                | ({} if durable else _NOT_DURABLE)
                | {"unix_socket_directories": str(socket_folder)}
                | dict(settings or {}),
            ),
            folder,
            socket_folder,
            _load_or_create_passwords(folder),
            held,
        )
    except BaseException:
        held.close()
        raise
    try:
        await _wait_until_ready(
            server.child, folder / "data/postmaster.pid", folder / "postgres.log"
        )
        await _create_roles_and_database(server)
    except BaseException:
        await server.stop()
        raise
    return server


async def _prepare_data_folder(folder: Path, owner: identity.Identity, *, durable: bool) -> Path:
    """Create or clean the data folder, and return the socket's folder."""
    socket_folder = folders.socket_folder(folder, _SOCKET, owner.uid, owner.gid)
    passwords = _load_or_create_passwords(folder)
    data = folder / "data"
    if data.exists():
        await _remove_stale_files(data, socket_folder)
        identity.change_owner(data, owner)
    else:
        await _create_cluster(folder, owner, passwords[SUPERUSER], durable=durable)
    return socket_folder


def _spawn_postgres(
    folder: Path, owner: identity.Identity, settings: Mapping[str, str]
) -> processes.Child:
    data = folder / "data"
    options = (f"--{name}={value}" for name, value in settings.items())
    return processes.spawn(
        [binaries.postgres("postgres"), "-D", data, "-p", str(_PORT), *options],
        name="postgres",
        cwd=data,
        env=_ENVIRONMENT,
        log=folder / "postgres.log",
        # SIGQUIT is the "immediate" shutdown: all backends end at once, and nothing delays it.
        death_signal=signal.SIGQUIT,
        become=owner.become,
    )


def _load_or_create_passwords(folder: Path) -> dict[str, str]:
    path = folder / "passwords.json"
    passwords: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    if not passwords and (folder / "data").exists():
        raise CannotStart(f"{path} is missing: without it the database next to it stays closed")
    missing = [role for role in (SUPERUSER, OWNER, *logins.LOGINS) if role not in passwords]
    if missing:
        passwords |= {role: secrets.token_urlsafe(24) for role in missing}
        folders.write_private(path, json.dumps(passwords))
    return passwords


async def _create_cluster(
    folder: Path, owner: identity.Identity, password: str, *, durable: bool
) -> None:
    # The folder gets its final name when it is complete.
    partial = folder / "data.partial"
    await _wait_for_earlier_server(partial)
    shutil.rmtree(partial, ignore_errors=True)
    password_file = folder / "password.partial"
    folders.write_private(password_file, password)
    os.chown(password_file, owner.uid, owner.gid)
    with binaries.initdb() as program:
        child = processes.spawn(
            [
                program,
                *("-D", partial, "-U", SUPERUSER, f"--pwfile={password_file}"),
                *("--encoding=UTF8", "--locale=C"),
                *("--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
                *("--auth-local=scram-sha-256", "--auth-host=reject", "--no-instructions"),
                *(() if durable else ("--no-sync",)),
            ],
            name="initdb",
            cwd=folder,
            env=_ENVIRONMENT,
            log=folder / "postgres.log",
            become=owner.become,
        )
        try:
            if await child.wait():
                reason = processes.last_line(folder / "postgres.log")
                raise CannotStart(f"PostgreSQL cannot be set up in {folder}: {reason}")
        finally:
            await child.stop()
            password_file.unlink()
    (partial / "pg_hba.conf").write_text("local all all scram-sha-256\n")
    partial.rename(folder / "data")


async def _remove_stale_files(data: Path, socket_folder: Path) -> None:
    """Wait until the earlier server has ended, and remove that server's pid files."""
    await _wait_for_earlier_server(data)
    # With these files, PostgreSQL would not start if another process has the old id now.
    (data / "postmaster.pid").unlink(missing_ok=True)
    (socket_folder / f"{_SOCKET}.lock").unlink(missing_ok=True)


async def _wait_for_earlier_server(folder: Path) -> None:
    if left := await processes.until_left(folder, _EARLIER_SERVER_LIMIT):
        raise CannotStart(f"an earlier server still runs on {folder}: process {left[0]}")


async def _wait_until_ready(child: processes.Child, pid_file: Path, log: Path) -> None:
    deadline = time.monotonic() + _START_LIMIT
    while time.monotonic() < deadline:
        if await child.wait(0.01) is not None:
            raise CannotStart(f"PostgreSQL does not start: {processes.last_line(log)}")
        with contextlib.suppress(FileNotFoundError):
            lines = pid_file.read_text().splitlines()  # noqa: ASYNC240 - a local file
            state = "".join(lines[_STATE_LINE : _STATE_LINE + 1]).strip()
            if lines[:1] == [str(child.pid)] and state == "ready":
                return
    raise CannotStart(f"PostgreSQL is not ready after {_START_LIMIT:.0f} s, see {log}")


async def _create_roles_and_database(server: Postgres) -> None:
    """Create the database and its roles, and let no other role connect."""
    connection = await asyncpg.connect(server.dsn(SUPERUSER, "postgres"))
    try:
        await logins.create(connection, server.passwords)
        if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", DATABASE):
            await connection.execute(f"CREATE DATABASE {DATABASE} OWNER {OWNER}")
        await connection.execute("REVOKE ALL ON DATABASE postgres FROM PUBLIC")
        await logins.restrict_connections(connection, DATABASE)
    finally:
        await connection.close()


async def start_valkey(folder: Path) -> Valkey:
    """Start Valkey with its data in `folder`.

    Call this function from the main thread. Raises CannotStart.
    """
    folder = folder.absolute()  # noqa: ASYNC240 - a local file
    held = folder_lock.lock(folder)
    try:
        await _wait_for_earlier_server(folder)
        socket = folders.socket_folder(folder, _VALKEY_SOCKET, os.geteuid(), os.getegid())
        socket /= _VALKEY_SOCKET
        socket.unlink(missing_ok=True)
        server = Valkey(_spawn_valkey(folder, socket), folder, socket, held)
    except BaseException:
        held.close()
        raise
    try:
        await _wait_for_ping_answer(server, folder / "valkey.log")
    except BaseException:
        await server.stop()
        raise
    return server


def _spawn_valkey(folder: Path, socket: Path) -> processes.Child:
    return processes.spawn(
        [
            binaries.valkey(),
            *("--port", "0", "--unixsocket", socket, "--unixsocketperm", "700"),
            *("--dir", folder, "--save", "", "--appendonly", "yes"),
            *("--appendfsync", "everysec", "--maxmemory-policy", "noeviction"),
            *("--daemonize", "no", "--logfile", ""),
        ],
        name="valkey",
        cwd=folder,
        env=_ENVIRONMENT,
        log=folder / "valkey.log",
    )


async def _wait_for_ping_answer(server: Valkey, log: Path) -> None:
    deadline = time.monotonic() + _START_LIMIT
    while time.monotonic() < deadline:
        if await server.child.wait(0.01) is not None:
            raise CannotStart(f"Valkey does not start: {processes.last_line(log)}")
        if await _answers_ping(server.socket):
            return
    raise CannotStart(f"Valkey is not ready after {_START_LIMIT:.0f} s, see {log}")


async def _answers_ping(socket: Path) -> bool:
    try:
        reader, writer = await asyncio.open_unix_connection(socket)
    except OSError:
        return False
    try:
        writer.write(b"PING\r\n")
        # While Valkey loads its data, the answer is an error.
        return await reader.readline() == b"+PONG\r\n"
    except OSError:
        return False
    finally:
        writer.close()
