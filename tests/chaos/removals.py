"""Kill schedulers while they take posts down, and note which posts are left in the channels."""

import asyncio
import json
import random
import signal
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.chaos.environment import Environment
from tests.chaos.failpoints import Failpoint
from tests.chaos.rounds import Rounds
from tests.chaos.schedulers import ForkServerClient, Scheduler

DELETION_FAULT_SHARES = {"cut_after": 0.2, "refuse_before": 0.1, "flood": 0.1, "html_502": 0.1}
"""The share of the deletions in channels that get each kind of fault."""
OPEN = "SELECT count(*) FROM removals WHERE status IN ('planned', 'deleting', 'uncertain')"
STANDING = "standing.json"
"""The name of the file with the ids of all messages that are left in each channel."""
KILLED_AT_ONCE = 2
LIFE_SECONDS = 20.0
"""The longest life of a scheduler that reaches no failpoint, in seconds."""


class RemovalKills:
    """The loops that kill schedulers at the failpoints of removals."""

    def __init__(
        self,
        fork_server: ForkServerClient,
        settings: Callable[[], Mapping[str, str]],
        rng: random.Random,
    ) -> None:
        """Keep a client of the fork server. `settings` returns the settings for one scheduler."""
        self._fork_server = fork_server
        self._settings = settings
        self._points = Rounds(fork_server.removal_points, rng)
        self._ended = asyncio.Event()
        self.killed = 0
        """How many schedulers died at a failpoint of a removal."""

    async def run(self) -> None:
        """Kill schedulers until `end` is called."""
        async with asyncio.TaskGroup() as loops:
            for _ in range(KILLED_AT_ONCE):
                loops.create_task(self._kill())

    def end(self) -> None:
        """Let the loops end after the schedulers that they have started."""
        self._ended.set()

    async def _kill(self) -> None:
        while not self._ended.is_set():
            failpoint = Failpoint(self._points.draw(), 1, int(signal.SIGKILL))
            scheduler = self._fork_server.start(self._settings(), failpoint)
            await self._wait(scheduler)
            if scheduler.reached is None:
                self._fork_server.send(scheduler, signal.SIGKILL)
            await asyncio.wait_for(scheduler.ended.wait(), 30)
            self.killed += scheduler.reached is not None

    async def _wait(self, scheduler: Scheduler) -> None:
        """Wait until a scheduler has ended, its time is over, or all removals have ended."""
        waits = [asyncio.create_task(each.wait()) for each in (scheduler.ended, self._ended)]
        await asyncio.wait(waits, timeout=LIFE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        for task in waits:
            task.cancel()
        await asyncio.gather(*waits, return_exceptions=True)


async def note_standing(environment: Environment) -> Path:
    """Write the ids of the messages that are left in each channel, and return the file's path."""
    standing: dict[str, list[int]] = {}
    for channel in environment.telegram.facts["channels"]:
        chat_id = channel["chat_id"]
        listed = await environment.control(f"chats/{chat_id}/messages", "GET")
        standing[str(chat_id)] = [message["message_id"] for message in listed["messages"]]
    path = environment.folder / STANDING
    path.write_text(json.dumps(standing))
    return path
