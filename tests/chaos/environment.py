"""Run PostgreSQL, Valkey and a simulated Telegram, each as a separate process."""

import asyncio
import json
import os
import secrets
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg

from sandbox import embedded, folders, processes
from tests.chaos import telegram
from tests.embedded_fixture import clone_database

ROOT = Path(__file__).parents[2]
TOKEN = "525252:chaos-token_of-the-sandbox"
START_SECONDS = 180.0
Facts = dict[str, Any]


@dataclass(frozen=True)
class Telegram:
    """The Bot API server of one run, with the paths of its logs."""

    child: processes.Child
    folder: Path
    control_token: str
    facts: Facts
    """The address, people, channels and admin chat of the server."""

    @property
    def published(self) -> Path:
        """The log of all messages in channels, written before the server answers."""
        return self.folder / "published.jsonl"

    @property
    def send_log(self) -> Path:
        """The log of sends, with one line for each admitted or refused send."""
        return self.folder / telegram.SEND_LOG

    @property
    def deletion_log(self) -> Path:
        """The log of the requests to delete a message of a channel, one line for each request."""
        return self.folder / telegram.DELETION_LOG

    def faults(self) -> list[str]:
        """Return the kind of each fault of a send into a channel."""
        lines = (self.folder / telegram.FAULT_LOG).read_text().splitlines()
        return [json.loads(line) for line in lines]


@dataclass
class Environment:
    """The servers that the schedulers of one run need."""

    folder: Path
    postgres: embedded.Postgres
    valkey: embedded.Valkey
    telegram: Telegram

    def settings(self, **changes: str) -> dict[str, str]:
        """Return the settings of a scheduler. `changes` adds or replaces settings."""
        return {
            "PATH": os.defpath,
            "BOT_TOKEN": TOKEN,
            "BOT_API_URL": self.telegram.facts["url"],
            "ADMIN_CHAT_ID": str(self.telegram.facts["admin_chat_id"]),
            "DATABASE_URL": self.postgres.dsn(embedded.APP),
            "REDIS_URL": self.valkey.url,
            "ENVIRONMENT": "production",
            "LOG_LEVEL": "WARNING",
        } | changes

    async def fetch(self, sql: str, *arguments: object, database: str = "adtech") -> Any:
        """Run a query as the owner of the tables, and return the first value of the result."""
        connection = await asyncpg.connect(self.postgres.dsn(embedded.OWNER, database))
        try:
            return await connection.fetchval(sql, *arguments)
        finally:
            await connection.close()

    async def control(self, path: str, verb: str = "POST", /, **body: Any) -> Facts:
        """Send a request to the control API of the simulated Telegram, and return the answer."""
        headers = {"Authorization": f"Bearer {self.telegram.control_token}"}
        url = f"{self.telegram.facts['url']}/control/{path}"
        async with (
            aiohttp.ClientSession(headers=headers) as http,
            http.request(verb, url, json=body) as response,
        ):
            response.raise_for_status()
            answer: Facts = await response.json()
            return answer

    async def call(self, method: str, **body: Any) -> Any:
        """Call a method of the simulated Bot API, and return the field `result` of the answer."""
        url = f"{self.telegram.facts['url']}/bot{TOKEN}/{method}"
        async with aiohttp.ClientSession() as http, http.post(url, json=body) as response:
            response.raise_for_status()
            return (await response.json())["result"]

    async def star_transactions(self) -> list[Facts]:
        """Return Telegram's whole list of payments and refunds in Stars."""
        listed: list[Facts] = []
        while page := await self.call("getStarTransactions", offset=len(listed)):
            if not page["transactions"]:
                break
            listed += page["transactions"]
        return listed

    async def clone(self, name: str) -> str:
        """Copy the database, and return the application's DSN for the copy.

        No other process may use the database during the copy.
        """
        await clone_database(self.postgres, embedded.DATABASE, name)
        return self.postgres.dsn(embedded.APP, name)


@asynccontextmanager
async def run_environment(
    folder: Path,
    *,
    channels: int,
    people: int,
    durable: bool = True,
    seed: int = 0,
    fault_shares: dict[str, float] | None = None,
    deletion_fault_shares: dict[str, float] | None = None,
    server: str = "tests.chaos.telegram",
) -> AsyncIterator[Environment]:
    """Run all servers with a migrated database, and yield the servers."""
    plan = telegram.Plan(
        str(folder / "telegram"),
        TOKEN,
        secrets.token_urlsafe(16),
        channels,
        people,
        seed=seed,
        fault_shares=fault_shares or {},
        deletion_fault_shares=deletion_fault_shares or {},
    )
    child = _spawn_telegram(folder, plan, server)
    postgres = await embedded.start_postgres(folder / "postgres", durable=durable)
    valkey = await embedded.start_valkey(folder / "valkey")
    environment: Environment | None = None
    try:
        await _prepare(folder, postgres)
        facts = json.loads(await _read_when_written(folder / "telegram" / telegram.FACTS, child))
        environment = Environment(
            folder,
            postgres,
            valkey,
            Telegram(child, folder / "telegram", plan.control_token, facts),
        )
        yield environment
    finally:
        await child.stop((15, 5))
        # An outage may have started a new server. Stop the server that runs now.
        await (valkey if environment is None else environment.valkey).stop()
        await (postgres if environment is None else environment.postgres).stop()


def _spawn_telegram(folder: Path, plan: telegram.Plan, server: str) -> processes.Child:
    (folder / "telegram").mkdir(mode=0o700, parents=True)
    path = folder / "plan.json"
    folders.write_private(path, json.dumps(asdict(plan)))
    return processes.spawn(
        [sys.executable, "-m", server, path],
        name="telegram",
        cwd=ROOT,
        env={"PATH": os.defpath},
        log=folder / "telegram.log",
    )


async def _prepare(folder: Path, postgres: embedded.Postgres) -> None:
    log = folder / "prepare.log"
    child = processes.spawn(
        [sys.executable, "-m", "sandbox.prepare", "--ours"],
        name="prepare",
        cwd=ROOT,
        env={
            "PATH": os.defpath,
            "DATABASE_URL": postgres.dsn(embedded.APP),
            "MIGRATION_DATABASE_URL": postgres.dsn(embedded.OWNER),
        },
        log=log,
    )
    if await child.wait(START_SECONDS) != 0:
        raise RuntimeError(f"the tables cannot be made: {processes.last_line(log)}")


async def _read_when_written(path: Path, child: processes.Child) -> str:
    async with asyncio.timeout(START_SECONDS):
        while not path.exists():  # noqa: ASYNC240 - a local file
            if child.returncode is not None:
                raise RuntimeError("the sandbox's Telegram ended before it served")
            await asyncio.sleep(0.05)
    return path.read_text()  # noqa: ASYNC240 - likewise


async def wait_until(
    condition: Callable[[], Any], seconds: float, failure: str, *, interval: float = 0.2
) -> None:
    """Call `condition` every `interval` seconds until the result is true.

    Raises TimeoutError with the text `failure` after `seconds`.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while not await condition():
        if loop.time() > end:
            raise TimeoutError(failure)
        await asyncio.sleep(interval)
