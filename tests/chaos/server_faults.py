"""Let the PostgreSQL server of a run refuse work in several ways, and let it recover by itself."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import asyncpg

from sandbox import embedded, logins
from sandbox.telegram.startup_errors import CannotStart
from tests.chaos.environment import Environment, wait_until
from tests.chaos.small_disk import SmallDisk

RESTART_SECONDS = 2.0
"""The time after which a server that has ended is started again, as a service manager does."""
STARTED_SECONDS = 60.0
FULL_SECONDS = 0.2
"""The time between two attempts to fill the disk or to occupy connections, in seconds."""
WAL_SEGMENTS = 6
LOCKED_TABLES = ("inbox", "wallets", "heartbeats")
_LOCK = f"LOCK TABLE {', '.join(LOCKED_TABLES)} IN ACCESS EXCLUSIVE MODE"
_WRITE_WAL = "SELECT pg_logical_emit_message(false, 'chaos', repeat('x', 1000000))"
Fault = Callable[[], AbstractAsyncContextManager[None]]


class ServerFaults:
    """The faults of one server, each as a `with` block at whose end the server is well again."""

    def __init__(self, environment: Environment, disk: SmallDisk) -> None:
        self._environment = environment
        self._disk = disk
        self.restarts = 0
        """How many times the server was started again after it had ended by itself."""
        self.all: dict[str, Fault] = {
            "disk full": self._disk_full,
            "disk full, write-ahead log too": self._log_full,
            "server read-only": self._read_only,
            "no connection free": self._no_connection_free,
            "tables locked": self._tables_locked,
        }

    async def keep_running(self) -> None:
        """Start the server again whenever it has ended, until the task is cancelled."""
        while True:
            await asyncio.sleep(RESTART_SECONDS)
            server = self._environment.postgres
            if server.child.returncode is None:
                continue
            await server.stop()
            with contextlib.suppress(CannotStart, OSError, asyncpg.PostgresError):
                self._environment.postgres = await embedded.start_postgres(server.folder)
                self.restarts += 1

    async def prepare(self) -> None:
        """Let the server keep used files of its write-ahead log, as a server does after a day.

        A full disk then stops tables from growing, but does not end the server at once.
        """
        async with self._connect() as connection:
            for _ in range(WAL_SEGMENTS):
                await connection.execute(_WRITE_WAL)
                await connection.execute("SELECT pg_switch_wal()")
            await connection.execute("CHECKPOINT")

    @asynccontextmanager
    async def _disk_full(self) -> AsyncIterator[None]:
        filling = asyncio.create_task(self._keep_full())
        try:
            yield
        finally:
            filling.cancel()
            self._disk.free()

    async def _keep_full(self) -> None:
        while True:
            self._disk.fill()
            await asyncio.sleep(FULL_SECONDS)

    @asynccontextmanager
    async def _log_full(self) -> AsyncIterator[None]:
        """Use up the write-ahead log too. The server then ends, and cannot start."""
        async with self._disk_full():
            await asyncio.sleep(2 * FULL_SECONDS)
            with contextlib.suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                async with self._connect() as connection:
                    while True:
                        await connection.execute(_WRITE_WAL)
            yield
        await self._wait_until_started()

    async def _wait_until_started(self) -> None:
        async def answers() -> bool:
            with contextlib.suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                async with self._connect() as connection:
                    return bool(await connection.fetchval("SELECT true"))
            return False

        await wait_until(answers, STARTED_SECONDS, "the server does not start again")

    @asynccontextmanager
    async def _read_only(self) -> AsyncIterator[None]:
        await self._set_system("default_transaction_read_only = on")
        try:
            yield
        finally:
            await self._set_system("default_transaction_read_only = off")

    async def _set_system(self, setting: str) -> None:
        async with self._connect() as connection:
            await connection.execute("SET default_transaction_read_only = off")
            await connection.execute(f"ALTER SYSTEM SET {setting}")
            await connection.execute("SELECT pg_reload_conf()")

    @asynccontextmanager
    async def _no_connection_free(self) -> AsyncIterator[None]:
        """Occupy every connection, also those that the product has had before."""
        async with self._connect() as superuser, contextlib.AsyncExitStack() as stack:
            occupying = asyncio.create_task(self._occupy(superuser, stack))
            try:
                yield
            finally:
                occupying.cancel()
                await asyncio.gather(occupying, return_exceptions=True)

    async def _occupy(
        self, superuser: asyncpg.Connection, stack: contextlib.AsyncExitStack
    ) -> None:
        ours: list[int] = []
        while True:
            with contextlib.suppress(asyncpg.TooManyConnectionsError):
                while True:
                    connection = await asyncpg.connect(
                        self._environment.postgres.dsn(logins.REPORTS)
                    )
                    stack.push_async_callback(connection.close)
                    ours.append(connection.get_server_pid())
            await superuser.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE usename = ANY($1) AND pid <> ALL($2::int[])",
                list(logins.LOGINS),
                ours,
            )
            await asyncio.sleep(FULL_SECONDS)

    @asynccontextmanager
    async def _tables_locked(self) -> AsyncIterator[None]:
        async with self._connect() as connection:
            await connection.execute("SET lock_timeout = '500ms'")  # shorter than deadlock_timeout
            locked = False
            while not locked:
                await connection.execute("BEGIN")
                try:
                    await connection.execute(_LOCK)
                    locked = True
                except asyncpg.LockNotAvailableError:
                    # The product's transaction may wait for this one. Let it end, and try again.
                    await connection.execute("ROLLBACK")
            yield

    @asynccontextmanager
    async def _connect(self) -> AsyncIterator[asyncpg.Connection]:
        server = self._environment.postgres
        connection = await asyncpg.connect(server.dsn(embedded.SUPERUSER, embedded.DATABASE))
        try:
            yield connection
        finally:
            await connection.close()
