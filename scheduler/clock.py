"""Fires the ticks, and notices when one dies or hangs, or when the process itself does.

Ticks are harmless when they run twice, so any number of these processes may run. A database that
is away is waited for: ticks rest until the heartbeat can be written again.
"""

import asyncio
import os
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from db.session import is_away

BEAT_SECONDS = 2.0
BEAT_LONGEST_SECONDS = 10.0
"""The heartbeat's pauses grow to this while the database is away."""
BEAT_LIMIT_SECONDS = 5.0
MUTE_SECONDS = 60.0
"""A heartbeat refused for so long, by a database that is there, ends the process."""
AWAY_LOG_SECONDS = 30.0
SILENT_SECONDS = 30.0
"""A tick that did not fire for so long after its time ends the process."""
GRACE_SECONDS = 25.0
"""How long a stop waits for the ticks under way; a send lasts less."""
CANCEL_SECONDS = 4.0
LOOP_CHECK_SECONDS = 5.0
LOOP_CHECKS = 6
"""An event loop that stood still at so many checks in a row has hung."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Tick:
    """Something done again and again; seconds of the real clock."""

    name: str
    every: float
    limit: float
    """Running longer than this, it has hung."""
    run: Callable[[], Awaitable[None]]


class Clock:
    """The ticks of one process, its heartbeat and its watch over itself."""

    def __init__(
        self,
        ticks: list[Tick],
        beat: Callable[[], Awaitable[None]],
        stopping: asyncio.Event,
        under_way: set[asyncio.Task[None]],
    ) -> None:
        """`stopping` is shared with the ticks: whoever takes work looks at it first.

        `under_way` is work that outlives the tick that began it: a stop waits for it as well.
        """
        self._ticks = ticks
        self._beat = beat
        self._stopping = stopping
        self._under_way = under_way
        self._scheduler = AsyncIOScheduler()
        self._failure: str | None = None
        self._running: dict[str, asyncio.Task[None]] = {}
        self._unfired = {tick.name: 0.0 for tick in ticks}
        self._away_since: float | None = None
        self._away_logged = 0.0
        self._beaten = time.monotonic()
        self._pulse = 0
        self._ended = threading.Event()

    async def run(self) -> int:
        """Runs until `stopping` is set, then drains; returns the exit status."""
        threading.Thread(target=self._watch_loop, daemon=True, name="loop-watch").start()
        for tick in self._ticks:
            self._scheduler.add_job(
                self._fire,
                "interval",
                args=[tick],
                seconds=tick.every,
                id=tick.name,
                max_instances=1,
                coalesce=True,
                misfire_grace_time=None,
            )
        self._scheduler.start()
        heart = asyncio.create_task(self._keep_beating())
        await self._stopping.wait()
        self._scheduler.pause()
        await self._drain()
        heart.cancel()
        self._scheduler.shutdown(wait=False)
        self._ended.set()
        return 0 if self._failure is None else 1

    def fail(self, why: str) -> None:
        """Ends the process with status 1 after saying why; its supervisor starts it again."""
        if self._failure is None:
            self._failure = why
            log.critical("Scheduler gives up", why=why)
        self._stopping.set()

    async def _fire(self, tick: Tick) -> None:
        self._unfired[tick.name] = 0.0
        if self._away_since is not None or self._stopping.is_set():
            return
        if (task := asyncio.current_task()) is not None:
            self._running[tick.name] = task
        try:
            async with asyncio.timeout(tick.limit) as limit:
                await tick.run()
        except Exception as error:
            if limit.expired() and self._away_since is None:
                self.fail(f"tick {tick.name} hung for more than {tick.limit:.0f} s")
            elif is_away(error):
                self._note_away()
            else:
                log.exception("Worker error", tick=tick.name)
        finally:
            self._unfired[tick.name] = 0.0
            self._running.pop(tick.name, None)

    async def _keep_beating(self) -> None:
        pause = BEAT_SECONDS
        while True:
            self._pulse += 1
            try:
                async with asyncio.timeout(BEAT_LIMIT_SECONDS):
                    await self._beat()
            except Exception as error:
                if is_away(error):
                    self._note_away()
                    pause = min(pause * 2, BEAT_LONGEST_SECONDS)
                else:
                    log.exception("Worker error", tick="heartbeat")
                    self._check_mute()
            else:
                self._note_back()
                pause = BEAT_SECONDS
                self._check_silent()
            await asyncio.sleep(pause)

    def _note_away(self) -> None:
        now = time.monotonic()
        if self._away_since is None:
            self._away_since, self._away_logged = now, now
            log.error("The database is away: waiting for it")
        elif now - self._away_logged >= AWAY_LOG_SECONDS:
            self._away_logged = now
            log.error("The database is still away", seconds=round(now - self._away_since))

    def _note_back(self) -> None:
        self._beaten = time.monotonic()
        if self._away_since is not None:
            log.warning("The database is back", seconds=round(self._beaten - self._away_since))
            self._away_since = None

    def _check_mute(self) -> None:
        if self._away_since is None and time.monotonic() - self._beaten > MUTE_SECONDS:
            self.fail(f"the heartbeat was refused for more than {MUTE_SECONDS:.0f} s")

    def _check_silent(self) -> None:
        """Counts beats, not time, so that a process that was paused does not accuse itself."""
        for tick in self._ticks:
            if tick.name in self._running:
                continue
            self._unfired[tick.name] += BEAT_SECONDS
            if self._unfired[tick.name] > tick.every + tick.limit + SILENT_SECONDS:
                self.fail(f"tick {tick.name} no longer fires")

    async def _drain(self) -> None:
        """Waits for what is under way; what does not end is cancelled and then records itself."""
        if work := {*self._running.values(), *self._under_way}:
            await asyncio.wait(work, timeout=GRACE_SECONDS)
        late = [task for task in work if not task.done()]
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=CANCEL_SECONDS)

    def _watch_loop(self) -> None:
        """A thread, as a loop that hangs cannot notice it itself."""
        seen, still = self._pulse, 0
        while not self._ended.wait(LOOP_CHECK_SECONDS):
            still = still + 1 if self._pulse == seen else 0
            seen = self._pulse
            if still >= LOOP_CHECKS:
                sys.stderr.write("scheduler: its event loop hangs; exiting\n")
                sys.stderr.flush()
                os._exit(1)
