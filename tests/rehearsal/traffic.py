"""Use the product as people do while a release replaces another, and check what came of it."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from sandbox.demo import books
from sandbox.demo.books import DemoDatabase
from sandbox.demo.people import Control, Person
from sandbox.demo.scenario import Scenario, create_participants
from sandbox.demo.steps import STEPS, job_success
from tests.rehearsal.installation import Installation

VISITORS = 3
_PAUSE_SECONDS = 1.5
"""The pause of a visitor between two messages. Faster people would be slowed down by the bot."""
UNTIL_PUBLISHED = next(n for n, step in enumerate(STEPS, 1) if step.act is job_success)
"""The number of steps of the demo until an ad is published."""


@dataclass
class Traffic:
    """The people who use one installation, and what they have seen."""

    installation: Installation
    control: Control
    database: DemoDatabase
    answered: int = 0
    """The number of messages of visitors that the bot has answered."""
    tenants: list[Scenario] = field(default_factory=list)
    """The advertisers, each with one ad in a channel of their own."""
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @asynccontextmanager
    async def visitors(self) -> AsyncIterator[None]:
        """Let visitors write to the bot until the block ends.

        Raises Unexpected if the bot has left one of their messages without an answer.
        """
        stop = asyncio.Event()
        tasks = [asyncio.create_task(self._visit(stop)) for _ in range(VISITORS)]
        try:
            yield
            stop.set()
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _visit(self, stop: asyncio.Event) -> None:
        created = await self.control.post("/users", first_name="Visitor")
        person = Person(self.control, created["id"])
        while not stop.is_set():
            await person.say("/start", then="What would you like to do?")
            self.answered += 1
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _PAUSE_SECONDS)

    async def advertise(self, *, until_paid: bool = False) -> Scenario:
        """Buy one ad with new people, and follow it until it is published, or until it is paid."""
        participants = await create_participants(
            self.control, self.installation.facts, f"of tenant {next(self._numbers)}"
        )
        tenant = Scenario(self.control, self.database, participants)
        self.tenants.append(tenant)
        for step in STEPS if until_paid else STEPS[:UNTIL_PUBLISHED]:
            await step.act(tenant)
        return tenant

    async def find_problems(self) -> list[str]:
        """Return a sentence for each update that was lost, and each post that was published twice.

        Every queued update must have arrived before the call.
        """
        problems = [
            f"{waiting} updates still wait at Telegram"
            for waiting in [await self.waiting_updates()]
            if waiting
        ]
        received = await self.database.row(
            """
            SELECT count(*) AS n, max(update_id) - min(update_id) + 1 AS sent,
                count(*) FILTER (WHERE done_at IS NULL) AS undone,
                count(*) FILTER (WHERE failed_at IS NOT NULL) AS failed
            FROM inbox
            """
        )
        if received["n"] != received["sent"]:
            problems.append(f"{received['sent']} updates were sent, {received['n']} were stored")
        problems += [f"{received[k]} updates are {k}" for k in ("undone", "failed") if received[k]]
        for tenant in self.tenants:
            channel = tenant.participants.channel.id
            shown = (await self.control.get("/published", chat_id=channel))["published"]
            if len(shown) != 1:
                problems.append(f"an ad was published {len(shown)} times in channel {channel}")
        jobs = await self.database.rows("SELECT status, count(*) AS n FROM post_jobs GROUP BY 1")
        if jobs != [{"status": "success", "n": len(self.tenants)}]:
            problems.append(f"post jobs: {jobs}, and {len(self.tenants)} ads were bought")
        for check in (*books.INVARIANTS, *books.UNIQUENESS):
            result = await self.database.check(check)
            if result.offending:
                problems.append(f"{result.offending} rows break the rule: {check.name}")
        return problems

    async def waiting_updates(self) -> int:
        """Return how many updates Telegram has not delivered yet."""
        facts = self.installation.facts
        url = f"{facts['bot_api_url']}/bot{facts['bot_token']}/getWebhookInfo"
        async with self.control.session.get(url) as answer:
            return int((await answer.json())["result"]["pending_update_count"])
