"""Schedulers that are killed at a named point, or stopped there past their lease and woken up."""

import asyncio
import contextlib
import random
import signal
from collections import Counter
from collections.abc import Callable, Mapping

from tests.chaos.failpoints import Failpoint
from tests.chaos.rounds import Deck
from tests.chaos.workers import Nursery, Worker

AT_ONCE = 4
"""Places in which one dies after the other."""
STOPPED_AT_ONCE = 5
"""Places in which they are stopped, woken up, and live on for a while: they finish what others
began. A look for an uncertain post takes longer than the life of those that are killed at once."""
EARLY = ("claims.", "Sender.send_ad ")
EARLY_SHARE = 3
"""Points on the way of every post are drawn so many times as often as each of the others."""
MOST_PASSINGS = 2
MOST_OTHER_PASSINGS = 8
PATIENCE_SECONDS = (3.0, 7.0)
"""Past it any other point will do."""
LIFE_SECONDS = 40.0
"""One that has come to no point by then is killed where it is."""
STOPPED_SECONDS = 16.0
AWAKE_SECONDS = (45.0, 90.0)


class Victims:
    """Those of one storm, and how they ended."""

    def __init__(
        self, young: Nursery, settings: Callable[[], Mapping[str, str]], chance: random.Random
    ) -> None:
        """`settings` are each scheduler's at its birth."""
        self._young = young
        self._settings = settings
        self._chance = chance
        early = [point for point in young.points if point.startswith(EARLY)]
        self._points = Deck(young.points + early * (EARLY_SHARE - 1), chance)
        self._over = asyncio.Event()
        self.killed: Counter[str] = Counter()
        """Deaths at failpoints, by point."""
        self.killed_elsewhere = 0
        self.stopped_and_woken = 0
        self.cpu = 0.0
        """Seconds of the processor that all of them used."""

    async def fall(self, enough: Callable[[], bool]) -> None:
        """One after the other, in several places, until it is enough."""

        async def fall_here() -> None:
            while not enough():
                await self._kill_one()

        async def stop_here() -> None:
            while not self._over.is_set():
                await self._stop_one()

        async with asyncio.TaskGroup() as stopped:
            for _ in range(STOPPED_AT_ONCE):
                stopped.create_task(stop_here())
            async with asyncio.TaskGroup() as places:
                for _ in range(AT_ONCE):
                    places.create_task(fall_here())
            self._over.set()

    async def _kill_one(self) -> None:
        worker = self._start(signal.SIGKILL)
        if not await self._arrives(worker):
            self._young.send(worker, signal.SIGKILL)
        await self._end(worker)
        # Only what the operating system calls a death by signal 9 is one.
        if worker.reached is None:
            self.killed_elsewhere += 1
        else:
            self.killed[worker.reached] += 1

    async def _stop_one(self) -> None:
        worker = self._start(signal.SIGSTOP)
        if await self._arrives(worker):
            await asyncio.sleep(STOPPED_SECONDS)
            self._young.send(worker, signal.SIGCONT)
            self.stopped_and_woken += 1
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._over.wait(), self._chance.uniform(*AWAKE_SECONDS))
        self._young.send(worker, signal.SIGKILL)
        await self._end(worker)
        self.killed_elsewhere += 1

    def _start(self, number: signal.Signals) -> Worker:
        failpoint = Failpoint(
            self._points.draw(),
            self._chance.randint(1, MOST_PASSINGS),
            int(number),
            self._chance.uniform(*PATIENCE_SECONDS),
            self._chance.randint(1, MOST_OTHER_PASSINGS),
        )
        return self._young.start(self._settings(), failpoint)

    async def _arrives(self, worker: Worker) -> bool:
        """Wait for it to come to its point; one that ends before arrives nowhere."""
        ends = [asyncio.create_task(e.wait()) for e in (worker.arrived, worker.ended)]
        await asyncio.wait(ends, timeout=LIFE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        for task in ends:
            task.cancel()
        return worker.arrived.is_set()

    async def _end(self, worker: Worker) -> None:
        await asyncio.wait_for(worker.ended.wait(), 30)
        if worker.signal != signal.SIGKILL:
            raise RuntimeError(f"a scheduler ended by itself, with status {worker.status}")
        self.cpu += worker.cpu
