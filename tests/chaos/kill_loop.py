"""Start schedulers, and kill or stop each of them at a failpoint."""

import asyncio
import contextlib
import random
import signal
from collections import Counter
from collections.abc import Callable, Mapping

from tests.chaos.failpoints import Failpoint
from tests.chaos.rounds import Rounds
from tests.chaos.schedulers import ForkServerClient, Scheduler

KILLED_AT_ONCE = 4
"""How many loops kill schedulers at the same time."""
STOPPED_AT_ONCE = 5
"""How many loops stop and wake schedulers at the same time."""
EVERY_POST = (
    "posting.claim_due ",
    "posting.begin_sends ",
    "posting.record_published ",
    "Sender.send_ad ",
)
"""The failpoints that every published post passes, by the beginning of their names."""
EVERY_POST_WEIGHT = 3
"""The weight of the points in EVERY_POST. Other points have the weight 1."""
MOST_PASSINGS = 2
MOST_OTHER_PASSINGS = 8
PATIENCE_SECONDS = (3.0, 7.0)
"""The shortest and the longest wait for a failpoint, in seconds."""
LIFE_SECONDS = 40.0
"""The longest life of a scheduler that reaches no failpoint, in seconds."""
STOPPED_SECONDS = 16.0
AWAKE_SECONDS = (45.0, 90.0)


class KillLoop:
    """The loops that kill and stop the schedulers of one run."""

    def __init__(
        self,
        fork_server: ForkServerClient,
        settings: Callable[[], Mapping[str, str]],
        rng: random.Random,
    ) -> None:
        """Keep a client of the fork server. `settings` returns the settings for one scheduler."""
        self._fork_server = fork_server
        self._settings = settings
        self._rng = rng
        frequent = [point for point in fork_server.points if point.startswith(EVERY_POST)]
        self._points = Rounds(fork_server.points + frequent * (EVERY_POST_WEIGHT - 1), rng)
        self._ended = asyncio.Event()
        self.killed: Counter[str] = Counter()
        """How many schedulers died at each failpoint."""
        self.killed_elsewhere = 0
        self.stopped_and_woken = 0
        self.cpu_seconds = 0.0
        """The CPU time that all killed schedulers have used, in seconds."""

    async def run(self, enough: Callable[[], bool]) -> None:
        """Kill and stop schedulers until `enough` returns True."""

        async def kill() -> None:
            while not enough():
                await self._kill_one()

        async def stop() -> None:
            while not self._ended.is_set():
                await self._stop_one()

        async with asyncio.TaskGroup() as stop_loops:
            for _ in range(STOPPED_AT_ONCE):
                stop_loops.create_task(stop())
            async with asyncio.TaskGroup() as kill_loops:
                for _ in range(KILLED_AT_ONCE):
                    kill_loops.create_task(kill())
            self._ended.set()

    async def _kill_one(self) -> None:
        scheduler = self._start(signal.SIGKILL)
        if not await self._reaches_failpoint(scheduler):
            self._fork_server.send(scheduler, signal.SIGKILL)
        await self._wait_until_killed(scheduler)
        if scheduler.reached is None:
            self.killed_elsewhere += 1
        else:
            self.killed[scheduler.reached] += 1

    async def _stop_one(self) -> None:
        scheduler = self._start(signal.SIGSTOP)
        if await self._reaches_failpoint(scheduler):
            await asyncio.sleep(STOPPED_SECONDS)
            self._fork_server.send(scheduler, signal.SIGCONT)
            self.stopped_and_woken += 1
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ended.wait(), self._rng.uniform(*AWAKE_SECONDS))
        self._fork_server.send(scheduler, signal.SIGKILL)
        await self._wait_until_killed(scheduler)
        self.killed_elsewhere += 1

    def _start(self, number: signal.Signals) -> Scheduler:
        failpoint = Failpoint(
            self._points.draw(),
            self._rng.randint(1, MOST_PASSINGS),
            int(number),
            self._rng.uniform(*PATIENCE_SECONDS),
            self._rng.randint(1, MOST_OTHER_PASSINGS),
        )
        return self._fork_server.start(self._settings(), failpoint)

    async def _reaches_failpoint(self, scheduler: Scheduler) -> bool:
        """Return whether a scheduler reaches its failpoint within LIFE_SECONDS."""
        waits = [
            asyncio.create_task(each.wait())
            for each in (scheduler.failpoint_reached, scheduler.ended)
        ]
        await asyncio.wait(waits, timeout=LIFE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        for task in waits:
            task.cancel()
        return scheduler.failpoint_reached.is_set()

    async def _wait_until_killed(self, scheduler: Scheduler) -> None:
        """Wait for a scheduler's end. Raises RuntimeError if the cause is not SIGKILL."""
        await asyncio.wait_for(scheduler.ended.wait(), 30)
        if scheduler.signal != signal.SIGKILL:
            raise RuntimeError(f"a scheduler ended by itself, with status {scheduler.status}")
        self.cpu_seconds += scheduler.cpu_seconds
