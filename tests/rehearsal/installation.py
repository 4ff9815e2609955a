"""Run PostgreSQL, Valkey and a Telegram, with the tables of the old release."""

import asyncio
import json
import os
import secrets
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import asyncpg

from sandbox import processes
from sandbox.demo.errors import Unexpected
from tests.rehearsal import compose
from tests.rehearsal.balancer import Balancer

ROOT = Path(__file__).parents[2]
START_SECONDS = 900.0
_STOP_SECONDS = 45.0
_POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Installation:
    """The running servers, and what the processes of a release need to know about them."""

    folder: Path
    facts: dict[str, Any] = field(repr=False)
    """The content of the sandbox's file `world.json`."""
    passwords: dict[str, str] = field(repr=False)
    balancer: Balancer
    webhook_secret: str = field(default_factory=secrets.token_urlsafe, repr=False)

    def service(self, name: str, *, webhook: bool, port: int = 0) -> compose.Service:
        """Return a service of deploy/compose.yml with the addresses of these servers."""
        service = compose.read(name, self._values(webhook=webhook))
        host = parse_qs(urlsplit(self.facts["database_url"]).query)["host"][0]
        environment = {
            key: value.replace("@postgres:5432/adtech", f"@/adtech?host={host}")
            for key, value in service.environment.items()
        }
        here = {
            "REDIS_URL": self.facts["redis_url"],
            "HTTP_HOST": "127.0.0.1",
            "HTTP_PORT": str(port),
            # All processes are on one machine, and these ports would be the same.
            "SCHEDULER_HTTP_PORT": "",
            "METRICS_PORT": "",
            "AUDIT_CHAIN_FILE": str(self.folder / "audit-chain.jsonl"),
        }
        replaced = {key: value for key, value in here.items() if key in environment}
        # The programs read no file with settings.
        base = {"PATH": os.defpath, "ADTECH_ENV_FILE": os.devnull}
        return compose.Service(service.command, base | environment | replaced)

    def _values(self, *, webhook: bool) -> dict[str, str]:
        people = self.facts["people"]
        return {
            "BOT_TOKEN": self.facts["bot_token"],
            "BOT_API_URL": self.facts["bot_api_url"],
            "ADMIN_CHAT_ID": str(self.facts["admin_chat_id"]),
            "SUPER_ADMIN_IDS": f"{people['admin']},{people['second_admin']}",
            "SUPPORT_CONTACT": "@support",
            "CURRENCY": "USD",
            "PAYMENT_PROVIDER_TOKEN": "1:TEST:sandbox",
            "VALKEY_PASSWORD": "of-compose-alone",
            "WEBHOOK_URL": self.balancer.url if webhook else "",
            "WEBHOOK_SECRET": self.webhook_secret if webhook else "",
            "MIGRATION_DATABASE_URL": self.facts["migration_database_url"],
        } | {f"{role.upper()}_PASSWORD": word for role, word in self.passwords.items()}

    async def value(self, sql: str, *arguments: object) -> Any:
        """Return the first value of a query, read as the owner of the tables."""
        connection = await asyncpg.connect(self.facts["migration_database_url"])
        try:
            return await connection.fetchval(sql, *arguments)
        finally:
            await connection.close()


def program(tree: Path, command: list[str]) -> list[str]:
    """Return the arguments that run a command of a service with the code in `tree`.

    A command is `python -m MODULE ...`, or the name of an installed program with a module.
    """
    modules = {"alembic": "alembic", "adtech": "bot.cli"}
    words = command[2:] if command[:2] == ["python", "-m"] else [modules[command[0]], *command[1:]]
    return [sys.executable, *processes.module(*words, root=tree)]


@asynccontextmanager
async def run(folder: Path, tree: Path, balancer: Balancer) -> AsyncIterator[Installation]:
    """Run the servers with the tables of the release in `tree`, and yield the installation."""
    local = folder / "local"
    child = processes.spawn(
        program(tree, ["python", "-m", "sandbox", "--isolated", "--no-bot", "--local", str(local)]),
        name="sandbox",
        cwd=folder,
        # Telegram trusts the certificate of the balancer.
        env={"PATH": os.defpath, "SSL_CERT_FILE": str(balancer.authority)},
        log=folder / "sandbox.log",
        death_signal=signal.SIGTERM,
    )
    try:
        facts = json.loads(await _read_when_written(local / "world.json", child, folder))
        words = json.loads((local / "postgres/passwords.json").read_text())
        yield Installation(folder, facts, words, balancer)
    finally:
        await child.stop((signal.SIGTERM, _STOP_SECONDS))


async def _read_when_written(path: Path, child: processes.Child, folder: Path) -> str:
    deadline = time.monotonic() + START_SECONDS
    while not path.exists():  # noqa: ASYNC240 - a local file
        if child.returncode is not None or time.monotonic() > deadline:
            raise Unexpected("the servers start", processes.last_line(folder / "sandbox.log"))
        await asyncio.sleep(_POLL_SECONDS)
    return path.read_text()  # noqa: ASYNC240 - likewise
