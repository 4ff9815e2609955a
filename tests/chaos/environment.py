"""PostgreSQL, Valkey and Telegram as processes of their own, and settings for schedulers."""

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
START_SECONDS = 60.0
Facts = dict[str, Any]


@dataclass(frozen=True)
class Telegram:
    """The Bot API server of this run."""

    child: processes.Child
    folder: Path
    control_token: str
    facts: Facts
    """Its address (`url`), its people, channels and the staff's chat."""

    @property
    def published(self) -> Path:
        """Every message ever put into a channel; synced before it was answered."""
        return self.folder / "published.jsonl"

    @property
    def send_log(self) -> Path:
        """A line for every send that the flood limits let pass or refused."""
        return self.folder / telegram.SEND_LOG

    def faults(self) -> list[str]:
        """The kind of every fault so far that hit a send into a channel."""
        lines = (self.folder / telegram.FAULT_LOG).read_text().splitlines()
        return [json.loads(line) for line in lines]


@dataclass
class Stage:
    """What schedulers need. `postgres` and `valkey` are replaced when they are started again."""

    folder: Path
    postgres: embedded.Postgres
    valkey: embedded.Valkey
    telegram: Telegram

    def settings(self, **changes: str) -> dict[str, str]:
        """Settings of a scheduler; `changes` by their names."""
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
        """The first value of a query, as the owner of the tables."""
        connection = await asyncpg.connect(self.postgres.dsn(embedded.OWNER, database))
        try:
            return await connection.fetchval(sql, *arguments)
        finally:
            await connection.close()

    async def control(self, path: str, verb: str = "POST", /, **order: Any) -> Facts:
        """Order something of the control API; what it answers."""
        headers = {"Authorization": f"Bearer {self.telegram.control_token}"}
        url = f"{self.telegram.facts['url']}/control/{path}"
        async with (
            aiohttp.ClientSession(headers=headers) as http,
            http.request(verb, url, json=order) as answer,
        ):
            answer.raise_for_status()
            told: Facts = await answer.json()
            return told

    async def clone(self, name: str) -> str:
        """A copy of the database that nobody uses at the moment; the application's address of it.

        In the copy too, time can be moved.
        """
        await clone_database(self.postgres, embedded.DATABASE, name)
        return self.postgres.dsn(embedded.APP, name)


@asynccontextmanager
async def stage(
    folder: Path,
    *,
    channels: int,
    people: int,
    durable: bool = True,
    seed: int = 0,
    chances: dict[str, float] | None = None,
    server: str = "tests.chaos.telegram",
) -> AsyncIterator[Stage]:
    """Everything up, the tables made, every switch running; all of it gone at the end.

    `server` is the program that is Telegram.
    """
    plan = telegram.Plan(
        str(folder / "telegram"),
        TOKEN,
        secrets.token_urlsafe(16),
        channels,
        people,
        seed=seed,
        chances=chances or {},
    )
    child = _spawn_telegram(folder, plan, server)
    postgres = await embedded.start_postgres(folder / "postgres", durable=durable)
    valkey = await embedded.start_valkey(folder / "valkey")
    made: Stage | None = None
    try:
        await _prepare(folder, postgres)
        facts = json.loads(await _appears(folder / "telegram" / telegram.FACTS, child))
        made = Stage(
            folder,
            postgres,
            valkey,
            Telegram(child, folder / "telegram", plan.control_token, facts),
        )
        yield made
    finally:
        await child.stop((15, 5))
        # What runs by now, which outages may have started anew.
        await (valkey if made is None else made.valkey).stop()
        await (postgres if made is None else made.postgres).stop()


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


async def _appears(path: Path, child: processes.Child) -> str:
    async with asyncio.timeout(START_SECONDS):
        while not path.exists():  # noqa: ASYNC240 - a local file
            if child.returncode is not None:
                raise RuntimeError("the sandbox's Telegram ended before it served")
            await asyncio.sleep(0.05)
    return path.read_text()  # noqa: ASYNC240 - likewise


async def until(holds: Callable[[], Any], seconds: float, what: str, *, every: float = 0.2) -> None:
    """Wait until an awaited condition is true. Raises TimeoutError with `what`."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while not await holds():
        if loop.time() > end:
            raise TimeoutError(what)
        await asyncio.sleep(every)
