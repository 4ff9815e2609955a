"""Prepare a product once, and run a copy of it for each drill."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from db.models.users import Role
from sandbox.demo import launcher
from sandbox.demo.books import DemoDatabase
from sandbox.demo.people import Chat, Control, Person
from sandbox.demo.scenario import Participants, Scenario, create_participants, seed_participants
from sandbox.demo.steps import STEPS, target_submitted
from tests.drills import relay
from tests.drills.world import World, damage

PREPARED_STEPS = 1 + next(n for n, step in enumerate(STEPS) if step.act is target_submitted)
"""How many steps of the demo each prepared product has behind it: an ad waits for an admin."""
_COLLEAGUES = {
    "Third admin": Role.ADMIN,
    "Operator": Role.OPERATOR,
    "Second operator": Role.OPERATOR,
}


@dataclass(frozen=True)
class Prepared:
    """A stopped product, with an ad of each of two advertisers that waits for an admin."""

    folder: Path
    scenarios: tuple[Scenario, Scenario]
    colleagues: list[int]
    """The Telegram ids of three people of the staff: an admin and two operators."""


async def prepare(folder: Path) -> Prepared:
    """Start a product in `folder`, let people buy two ads in it, and stop it again."""
    sandbox = await launcher.start(folder)
    try:
        control = Control.of(sandbox.facts)
        async with control.session:
            books = DemoDatabase(sandbox.facts["migration_database_url"])
            first = await seed_participants(control, sandbox.facts)
            second = await create_participants(control, sandbox.facts, "2")
            scenarios = (Scenario(control, books, first), Scenario(control, books, second))
            colleagues = [await _enter(control, first.admin_chat, name) for name in _COLLEAGUES]
            await asyncio.gather(*map(_buy, scenarios))
            await _hire(books, colleagues)
    finally:
        await sandbox.stop()
    return Prepared(folder, scenarios, colleagues)


@asynccontextmanager
async def open_world(prepared: Prepared, folder: Path) -> AsyncIterator[World]:
    """Start a copy of the prepared product in `folder`, and end it at once afterwards."""
    await asyncio.to_thread(
        shutil.copytree, prepared.folder / "local", folder / "local", symlinks=True
    )
    (folder / "backups").mkdir(mode=0o700)
    async with relay.run() as telegram:
        sandbox = await launcher.start(
            folder, "--port", str(telegram.to), "--bot-api-url", telegram.url
        )
        try:
            control = Control.of(sandbox.facts)
            async with control.session:
                books = DemoDatabase(sandbox.facts["migration_database_url"])
                scenario, other = (_move(each, control, books) for each in prepared.scenarios)
                second, closer, runner = (Person(control, each) for each in prepared.colleagues)
                yield World(
                    sandbox,
                    control,
                    scenario,
                    other,
                    telegram,
                    scenario.participants.admin,
                    second,
                    closer,
                    runner,
                    PREPARED_STEPS,
                )
        finally:
            await sandbox.kill()


async def _buy(scenario: Scenario) -> None:
    for step in STEPS[:PREPARED_STEPS]:
        await step.act(scenario)


def _move(scenario: Scenario, control: Control, books: DemoDatabase) -> Scenario:
    """Return the same scenario in a copy of its product."""
    people = scenario.participants
    moved = Participants(
        Person(control, people.advertiser.id),
        Person(control, people.owner.id),
        Person(control, people.admin.id),
        Chat(control, people.admin_chat.id),
        Chat(control, people.channel.id),
        people.channel_title,
    )
    return replace(scenario, control=control, books=books, participants=moved)


async def _enter(control: Control, group: Chat, name: str) -> int:
    """Add a new person, who has started the bot, to the admin chat. Return the person's id."""
    made: dict[str, Any] = await control.post("/users", first_name=name)
    person = Person(control, made["id"])
    await person.say("/start", then="What would you like to do?")
    await control.post(f"/chats/{group.id}/members", user_id=person.id, status="member")
    return person.id


async def _hire(books: DemoDatabase, people: list[int]) -> None:
    """Give each person a role. Two super admins would have to grant it otherwise."""
    await damage(
        books.dsn,
        *(
            f"INSERT INTO user_roles (user_id, role) SELECT id, '{role.value}' FROM users"
            f" WHERE telegram_id = {person}"
            for role, person in zip(_COLLEAGUES.values(), people, strict=True)
        ),
    )
