"""Measure how long `adtech stop all` takes as a program: `python -m tests.benchmarks.stop`.

Telegram and Redis are dead. There are four cases: the database is idle; a hanging transaction holds
all switches and wallets; 32 connections approve placements all the time; the last two together.
Prints a table.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from statistics import median

import asyncpg

from sandbox import embedded, logins
from tests.benchmarks import market

ROUNDS = 5
CLIENTS = 32
PENDING = 60_000
CASES = {"nothing": (False, False), "a hung transaction": (True, False)} | {
    "32 clients that approve": (False, True),
    "both": (True, True),
}
_ENVIRONMENT = {
    "PATH": os.defpath,
    "BOT_TOKEN": "1:secret",
    "ADMIN_CHAT_ID": "-1",
    "BOT_API_URL": "http://127.0.0.1:1",
    "REDIS_URL": "redis://127.0.0.1:1",
}
_HANG = (
    "SELECT pg_advisory_lock_shared(7001, hashtext(key::text)) FROM kill_switches",
    "SELECT lock_wallet(id) FROM wallets",
)


@asynccontextmanager
async def _load(url: str, first: int) -> AsyncIterator[None]:
    """Approve placements on CLIENTS connections until the block ends."""
    connections = [await asyncpg.connect(url) for _ in range(CLIENTS)]

    async def approve(number: int, connection: asyncpg.Connection) -> None:
        target_id = first + number
        while True:
            with suppress(asyncpg.PostgresError):  # it is refused after the stop
                await connection.execute("SELECT approve_target($1, 1, 'admin', NULL)", target_id)
            target_id += CLIENTS

    tasks = [asyncio.create_task(approve(n, each)) for n, each in enumerate(connections)]
    await asyncio.sleep(1)
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for connection in connections:
            connection.terminate()


@asynccontextmanager
async def hung(url: str) -> AsyncIterator[None]:
    """Hold the locks of all switches and wallets in a transaction that never ends."""
    connection = await asyncpg.connect(url)
    for limit in ("statement", "transaction", "idle_in_transaction_session", "lock"):
        await connection.execute(f"SET {limit}_timeout = 0")
    await connection.execute("BEGIN")
    for statement in _HANG:
        await connection.execute(statement)
    try:
        yield
    finally:
        connection.terminate()


async def _stop(url: str) -> float:
    """Run the program, and return its seconds. Raises CalledProcessError if it fails."""
    command = [sys.executable, "-m", "bot.cli", "stop", "all", "a benchmark", "--as", "1"]
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=market.ROOT,
        env=_ENVIRONMENT | {"DATABASE_URL": url},
        stdout=subprocess.PIPE,
    )
    out, _ = await process.communicate()
    seconds = time.perf_counter() - began
    if process.returncode or not out.startswith(b"Everything is STOPPED."):
        raise subprocess.CalledProcessError(process.returncode or 1, command, out)
    return seconds


async def _measure(server: embedded.Postgres) -> None:
    owner = await asyncpg.connect(server.dsn(embedded.OWNER))
    first = await market.fill(server.dsn(embedded.OWNER), pending=PENDING, history=0)
    await owner.execute("ALTER TABLE user_roles DISABLE TRIGGER USER")
    await owner.execute("INSERT INTO user_roles (user_id, role) VALUES (1, 'operator')")
    await owner.execute("ALTER TABLE user_roles ENABLE TRIGGER USER")
    for name, (hangs, is_loaded) in CASES.items():
        times = []
        for _ in range(ROUNDS):
            await owner.execute("UPDATE kill_switches SET enabled = true")
            async with AsyncExitStack() as stack:
                if is_loaded:
                    await stack.enter_async_context(_load(server.dsn(logins.BOT), first))
                if hangs:
                    await stack.enter_async_context(hung(server.dsn(logins.BOT)))
                times.append(await _stop(server.dsn(logins.BOT)))
            first += PENDING // (len(CASES) * ROUNDS)
        sys.stdout.write(f"{name}: median {median(times):.2f} s, longest {max(times):.2f} s\n")
    await owner.close()


async def main() -> None:
    """Start a PostgreSQL with fsync, and measure each case."""
    with tempfile.TemporaryDirectory() as folder:
        server = await embedded.start_postgres(Path(folder) / "postgres")
        try:
            market.migrate(server)
            await _measure(server)
        finally:
            await server.stop()


if __name__ == "__main__":
    asyncio.run(main())
