"""Run the whole product for one drill, and act in it as the staff do."""

import asyncio
import json
import os
import re
import shlex
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg

from bot import env_file
from sandbox import binaries, embedded
from sandbox.demo import launcher
from sandbox.demo.books import DemoDatabase
from sandbox.demo.errors import Unexpected
from sandbox.demo.people import Chat, Control, Json, Person
from sandbox.demo.scenario import Scenario
from sandbox.demo.steps import STEPS
from tests.drills import shell
from tests.drills.relay import Relay

POLL_SECONDS = 0.2
_ATTEMPTS, _ANSWER_SECONDS = 5, 25.0
GUARDED_TABLES = (
    *("wallets", "ledger_entries", "ledger_transfers", "escrows", "campaign_targets"),
    *("campaigns", "post_jobs", "user_roles"),
)
"""The tables whose triggers are off while a drill damages the database."""
_PLACEHOLDER = re.compile(r"\b[A-Z][A-Z_]+\b")


@dataclass
class World:
    """A running product with four people of the staff, and two ads that wait for an admin.

    `admin` and `second` sign repairs; `closer` closes incidents; `runner` lets switches run.
    """

    sandbox: launcher.RunningSandbox
    control: Control
    scenario: Scenario
    """The first advertiser, owner and channel, and their ad."""
    other: Scenario
    """The second ones."""
    telegram: Relay
    admin: Person
    second: Person
    closer: Person
    runner: Person
    played: int
    """How many steps of the demo were done with the first ad."""
    since: int = 0
    """The version of the admin chat before the incident was caused."""
    balances: list[Json] = field(default_factory=list)
    """The wallets at the time of the backup, in the drill of a restore."""
    commands: set[str] = field(default_factory=set)
    """The commands of the runbook that have run, with their placeholders."""

    @property
    def group(self) -> Chat:
        """Return the admin chat."""
        return self.scenario.participants.admin_chat

    @property
    def books(self) -> DemoDatabase:
        """Return the database, which is read with the owner's role."""
        return self.scenario.books

    async def play(self, until: str) -> None:
        """Do the next steps of the demo with the first ad, up to the step with this title."""
        last = next(n for n, step in enumerate(STEPS, 1) if step.title == until)
        while self.played < last:
            await STEPS[self.played].act(self.scenario)
            self.played += 1

    async def damage(self, *statements: str) -> None:
        """Change rows by hand as the owner of the tables, without the triggers that forbid it."""
        await damage(self.books.dsn, *statements)

    async def count_entries(self) -> int:
        """Return the size of the ledger, or 0 while there is no database."""
        try:
            return int((await self.books.row("SELECT count(*) AS n FROM ledger_entries"))["n"])
        except (asyncpg.InvalidCatalogNameError, asyncpg.CannotConnectNowError, OSError):
            return 0

    async def shell(self, command: str, *, status: int = 0, **values: object) -> str:
        """Run an `adtech` command in a process of its own, and return what it prints.

        Words in capitals are placeholders: `WALLET` is replaced by the value of `wallet`. `ID` is
        the admin's Telegram id. Raises Unexpected for another exit status than `status`.
        """
        self.commands.add(command)
        words = [_fill(word, {"id": self.admin.id} | values) for word in shlex.split(command)]
        answer = await shell.run(words[1:], self.settings())
        if answer.status != status:
            raise Unexpected(f"{command} ends with {status}", f"{answer.status}: {answer.printed}")
        return answer.printed

    @property
    def backups(self) -> Path:
        """Return the folder of the backups."""
        return self.sandbox.folder / "backups"

    def administrator(self) -> dict[str, str]:
        """Return the variables with which `psql` opens the product's database as administrator."""
        postgres = self.sandbox.folder / "local/postgres"
        passwords = json.loads((postgres / "passwords.json").read_text())
        return {
            "PGHOST": self.sandbox.facts["migration_database_url"].partition("?host=")[2],
            "PGDATABASE": embedded.DATABASE,
            "PGUSER": embedded.SUPERUSER,
            "PGPASSWORD": passwords[embedded.SUPERUSER],
        }

    def settings(self) -> dict[str, str]:
        """Return the environment variables of an operator's shell beside this product."""
        facts = self.sandbox.facts
        return {
            "PATH": os.defpath,
            env_file.VARIABLE: os.devnull,
            "COLUMNS": "200",
            "BOT_TOKEN": "1:drill",
            "ADMIN_CHAT_ID": str(self.group.id),
            "DATABASE_URL": facts["database_url"],
            "MIGRATION_DATABASE_URL": facts["migration_database_url"],
            "REDIS_URL": facts["redis_url"],
            "PG_BIN": str(binaries.postgres("pg_dump").parent),
        }

    async def stop(self, key: str) -> None:
        """Stop a kill switch from the shell."""
        self.commands.add(f"adtech killswitch stop {key} REASON --as ID")
        await self.shell(
            "adtech killswitch stop SWITCH REASON --as ID", switch=key, reason="planned work"
        )

    async def restore_network(self) -> None:
        """Let Telegram be reached again, whatever was done to the way to it."""
        await self.telegram.open()
        async with self.control.session.delete(self.control.url + "/faults") as answer:
            answer.raise_for_status()

    async def chat(self, who: Person, command: str, *, then: str, **values: object) -> Json:
        """Write a command in the admin chat, and return the answer that contains `then`."""
        self.commands.add(command)
        return await who.say(_fill(command, values), then=then, chat=self.group)

    async def acknowledge(self, since: int) -> None:
        """Press "That was me" on the newest request of the admin."""
        card = await self.group.shows("✅ That was me", since=since)
        await self.admin.press("✅ That was me", on=card, then="Request #", chat=self.group)

    async def run_switch(self, key: str) -> None:
        """Let a kill switch run again, as the operator who has not repaired anything.

        If Telegram's limits delay the answer, the late answer asks for a repeat, and the command is
        repeated.
        """
        button = "▶️ Yes, run it: resolved"
        for _ in range(_ATTEMPTS):
            try:
                async with asyncio.timeout(_ANSWER_SECONDS):
                    asked = await self.chat(
                        self.runner, "/killswitch run SWITCH", then=button, switch=key
                    )
            except TimeoutError:
                continue
            await self.control.post(
                f"/users/{self.runner.id}/press",
                chat_id=self.group.id,
                button=button,
                message_id=asked["message_id"],
            )
            await self.until_running(key)
            return
        raise Unexpected(f"{key} is running", "no answer to the command")

    async def until_running(self, key: str) -> None:
        """Wait until a kill switch is running in the database."""
        await self.books.until(
            "SELECT count(*) AS n FROM running_switches WHERE key = $1",
            key,
            so=lambda row: bool(row["n"]),
            expected=f"{key} is running",
        )

    async def close_incidents(self) -> None:
        """Close all open incidents in the admin chat."""
        for row in await self.books.rows("SELECT id FROM incidents WHERE closed_at IS NULL"):
            button = f"✅ Repaired, close #{row['id']}"
            listed = await self.chat(self.closer, "/incidents", then=button)
            asked = await self.closer.press(
                button, on=listed, then="It never opens again", chat=self.group
            )
            await self.closer.press("✅ Yes, close it", on=asked, then="ncident", chat=self.group)
            await self.books.until(
                "SELECT count(*) AS n FROM incidents WHERE id = $1 AND closed_at IS NOT NULL",
                row["id"],
                so=lambda found: bool(found["n"]),
                expected=f"incident {row['id']} is closed",
            )

    async def log_says(self, *words: str, program: str = "scheduler") -> None:
        """Wait until a line of a program's log contains every text in `words`."""
        path = self.sandbox.folder / "local/log" / f"{program}.log"

        def found() -> bool:
            lines = path.read_text(errors="replace").splitlines()
            return any(all(word in line for word in words) for line in lines)

        await until(found, f"the {program}'s log says {' … '.join(words)}")


async def damage(dsn: str, *statements: str) -> None:
    """Change rows by hand as the owner of the tables, without the triggers that forbid it."""
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction():
            for table in GUARDED_TABLES:
                await connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            for statement in statements:
                await connection.execute(statement)
            for table in GUARDED_TABLES:
                await connection.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
    finally:
        await connection.close()


async def until(found: Callable[[], bool], expected: str, *, seconds: float = 60.0) -> None:
    """Wait until `found` is true. Raises Unexpected after `seconds`."""
    deadline = time.monotonic() + seconds
    while not found():
        if time.monotonic() > deadline:
            raise Unexpected(expected, f"not after {seconds:.0f} s")
        await asyncio.sleep(POLL_SECONDS)


def _fill(text: str, values: dict[str, Any]) -> str:
    """Replace the placeholders of a command by their values."""
    return _PLACEHOLDER.sub(lambda found: str(values[found[0].lower()]), text)
