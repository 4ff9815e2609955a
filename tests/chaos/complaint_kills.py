"""Kill schedulers while they end the steps of complaints."""

import asyncio
import random
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.chaos.failpoints import Failpoint
from tests.chaos.rounds import Rounds
from tests.chaos.schedulers import ForkServerClient, Scheduler

POINTS = "complaints."
"""The beginning of the names of the failpoints."""
AT_ONCE = 2
LIFE_SECONDS = 60.0
"""The longest wait for the death of a leader. The next leader comes 15 seconds after a death."""
MOST_KILLS = 4


@dataclass
class ComplaintKills:
    """The schedulers of one run that end steps of complaints, and die while they do it."""

    fork_server: ForkServerClient
    settings: Callable[[], Mapping[str, str]]
    rng: random.Random
    wanted: int
    """How many schedulers have to die, at most MOST_KILLS."""
    killed: int = 0

    async def run(self) -> None:
        """Let two schedulers work until enough leaders have died, and end the other ones.

        Only a leader ends steps, so each death is that of a leader.
        """
        names = [point for point in self.fork_server.points if point.startswith(POINTS)]
        points = Rounds(names, self.rng)
        schedulers: list[Scheduler] = []
        for _ in range(min(self.wanted, MOST_KILLS)):
            while len(schedulers) < AT_ONCE:
                failpoint = Failpoint(points.draw(), 1, int(signal.SIGKILL))
                schedulers.append(self.fork_server.start(self.settings(), failpoint))
            await self._wait_for_death(schedulers)
            self.killed += sum(each.reached is not None for each in schedulers)
            schedulers = [each for each in schedulers if not each.ended.is_set()]
        for scheduler in schedulers:
            self.fork_server.send(scheduler, signal.SIGKILL)
            await asyncio.wait_for(scheduler.ended.wait(), 30)

    @staticmethod
    async def _wait_for_death(schedulers: list[Scheduler]) -> None:
        waits = [asyncio.create_task(each.ended.wait()) for each in schedulers]
        await asyncio.wait(waits, timeout=LIFE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        for task in waits:
            task.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
