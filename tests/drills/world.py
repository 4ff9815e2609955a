"""Run the whole product for one drill, and act in it as the staff do."""

import asyncio
import os
import re
import shlex
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg

from db.models.users import Role
from sandbox.demo import launcher
from sandbox.demo.books import INVARIANTS, UNIQUENESS, DemoDatabase
from sandbox.demo.errors import Unexpected
from sandbox.demo.people import Chat, Control, Json, Person
from sandbox.demo.scenario import Scenario, seed_participants
from sandbox.demo.steps import STEPS

ROOT = Path(__file__).parents[2]
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
    """A running product with four people of the staff.

    `admin` and `second` sign repairs; `closer` closes incidents; `runner` lets switches run.
    """

    sandbox: launcher.RunningSandbox
    control: Control
    scenario: Scenario
    admin: Person
    second: Person
    closer: Person
    runner: Person
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
        """Do the steps of the demo up to the step with this title."""
        for step in STEPS:
            await step.act(self.scenario)
            if step.title == until:
                return
        raise Unexpected("a step of the demo", until)

    async def damage(self, *statements: str) -> None:
        """Change rows by hand as the owner of the tables, without the triggers that forbid it."""
        connection = await asyncpg.connect(self.books.dsn)
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

    async def shell(self, command: str, *, status: int = 0, **values: object) -> str:
        """Run an `adtech` command in a process of its own, and return what it prints.

        Words in capitals are placeholders: `WALLET` is replaced by the value of `wallet`. `ID` is
        the admin's Telegram id. Raises Unexpected for another exit status than `status`.
        """
        self.commands.add(command)
        words = [_fill(word, {"id": self.admin.id} | values) for word in shlex.split(command)]
        facts = self.sandbox.facts
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot.cli", *words[1:]),
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={
                "PATH": os.defpath,
                "ENV_FILE": os.devnull,
                "COLUMNS": "200",
                "BOT_TOKEN": "1:drill",
                "ADMIN_CHAT_ID": str(self.group.id),
                "DATABASE_URL": facts["database_url"],
                "MIGRATION_DATABASE_URL": facts["migration_database_url"],
                "REDIS_URL": facts["redis_url"],
            },
        )
        printed = (await process.communicate())[0].decode()
        if process.returncode != status:
            raise Unexpected(f"{command} ends with {status}", f"{process.returncode}: {printed}")
        return printed

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

    async def check_books(self) -> None:
        """Run the independent checks of the database. Raises Unexpected for a wrong row."""
        await self.books.check_all(INVARIANTS)
        await self.books.check_all(UNIQUENESS)


async def until(found: Callable[[], bool], expected: str, *, seconds: float = 60.0) -> None:
    """Wait until `found` is true. Raises Unexpected after `seconds`."""
    deadline = time.monotonic() + seconds
    while not found():
        if time.monotonic() > deadline:
            raise Unexpected(expected, f"not after {seconds:.0f} s")
        await asyncio.sleep(POLL_SECONDS)


@asynccontextmanager
async def open_world(folder: Path) -> AsyncIterator[World]:
    """Start the product in `folder`, and stop it at the end."""
    sandbox = await launcher.start(folder)
    try:
        control = Control.of(sandbox.facts)
        async with control.session:
            books = DemoDatabase(sandbox.facts["migration_database_url"])
            participants = await seed_participants(control, sandbox.facts)
            scenario = Scenario(control, books, participants)
            colleagues = [await _enter(control, participants.admin_chat, n) for n in range(3)]
            second, closer, runner = colleagues
            world = World(sandbox, control, scenario, participants.admin, second, closer, runner)
            await _hire(world, (Role.ADMIN, Role.OPERATOR, Role.OPERATOR), colleagues)
            yield world
    finally:
        await sandbox.stop()


async def _enter(control: Control, group: Chat, number: int) -> Person:
    """Add a new person, who has started the bot, to the admin chat."""
    made: dict[str, Any] = await control.post("/users", first_name=f"Colleague {number + 1}")
    person = Person(control, made["id"])
    await person.say("/start", then="What would you like to do?")
    await control.post(f"/chats/{group.id}/members", user_id=person.id, status="member")
    return person


async def _hire(world: World, roles: tuple[Role, ...], people: list[Person]) -> None:
    """Give each person a role. Two super admins would have to grant it otherwise."""
    await world.damage(
        *(
            f"INSERT INTO user_roles (user_id, role) SELECT id, '{role.value}' FROM users"
            f" WHERE telegram_id = {person.id}"
            for role, person in zip(roles, people, strict=True)
        )
    )


def _fill(text: str, values: dict[str, Any]) -> str:
    """Replace the placeholders of a command by their values."""
    return _PLACEHOLDER.sub(lambda found: str(values[found[0].lower()]), text)
