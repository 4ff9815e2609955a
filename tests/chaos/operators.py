"""Let an operator stop and run all kill switches during a chaos run, and log each stop."""

import asyncio
import contextlib
import json
import random
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from db import queries
from db.models.operations import Switch
from services.platform import killswitches
from tests.chaos.market import Market
from tests.chaos.owners import DATABASE_ERRORS

FIRST_STOP_SECONDS = (4.0, 8.0)
"""The shortest and the longest time until the first stop, in seconds."""
RUNNING_SECONDS = (45.0, 75.0)
"""The shortest and the longest time between two stops, in seconds.

Each stop sends ten alarms to the admin chat. More stops would delay the search for uncertain posts.
"""
STOPPED_SECONDS = (0.5, 2.0)
"""The shortest and the longest time from a stop until the first switch runs again, in seconds."""
RETRY_SECONDS = 0.3


@dataclass
class Operators:
    """The operator of one run, and the number of times that everything was stopped."""

    market: Market
    log: Path
    rng: random.Random
    stops: int = 0
    _stopped_at: dict[Switch, datetime] = field(default_factory=dict)
    """From which time of the database's clock each switch was certainly stopped."""

    def __post_init__(self) -> None:
        self.log.touch()

    async def run(self, ended: asyncio.Event) -> None:
        """Stop everything and run each switch again, until `ended` is set. Ends with all running.

        Waits for the end of each database outage.
        """
        wait = FIRST_STOP_SECONDS
        while not ended.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(ended.wait(), self.rng.uniform(*wait))
            wait = RUNNING_SECONDS
            if not ended.is_set():
                while not await self._stop_all():
                    await asyncio.sleep(RETRY_SECONDS)
                await asyncio.sleep(self.rng.uniform(*STOPPED_SECONDS))
                await self._run_all()

    async def _stop_all(self) -> bool:
        """Stop every switch. Return False during a database outage."""
        with contextlib.suppress(*DATABASE_ERRORS):
            async with self.market.sessions.begin() as session:
                stop = await killswitches.stop_all(
                    session, actor=self.market.operator, reason="chaos"
                )
            async with self.market.sessions.begin() as session:
                stop = await killswitches.settle_all(session, stop)
            async with self.market.sessions.begin() as session:
                moment = await queries.now(session)
            self._stopped_at = {key: moment for key in Switch if key not in stop.unsettled}
            self.stops += 1
            return True
        return False

    async def _run_all(self) -> None:
        """Run every switch, in random order."""
        for key in self.rng.sample(list(Switch), len(Switch)):
            while True:
                if await self._run(key):
                    break
                await asyncio.sleep(RETRY_SECONDS)

    async def _run(self, key: Switch) -> bool:
        """Run a switch, and log how long it was stopped. Return False during a database outage."""
        with contextlib.suppress(*DATABASE_ERRORS):
            async with self.market.sessions.begin() as session:
                until = await queries.now(session)
            async with self.market.sessions.begin() as session:
                await killswitches.run(session, actor=self.market.operator, key=key, reason="chaos")
            if since := self._stopped_at.pop(key, None):
                self._note(key, since, until)
            return True
        return False

    def _note(self, key: Switch, since: datetime, until: datetime) -> None:
        line = {"switch": key, "since": since.isoformat(), "until": until.isoformat()}
        with self.log.open("a") as log:
            log.write(json.dumps(line) + "\n")
