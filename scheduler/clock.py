"""Run the ticks (pieces of periodic work), and stop the process when a tick or the process hangs.

A tick does no harm if it runs twice. Therefore any number of these processes can run. The heartbeat
is a row that shows that the process is alive. If the database is not available, no tick runs until
the clock can write the heartbeat. All times are measured with the monotonic clock. Therefore a
change of the machine's time delays no tick.
"""

import asyncio
import faulthandler
import os
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import NoReturn

import structlog

from db.session import cause, is_away

BEAT_SECONDS = 2.0
MAX_BEAT_SECONDS = 10.0
"""While the database is not available, the pause between heartbeats grows up to this length."""
BEAT_LIMIT_SECONDS = 5.0
"""The write of one heartbeat may take at most this time."""
HEARTBEAT_REFUSED_SECONDS = 60.0
"""If the database is available but refuses heartbeats for this long, the process ends."""
AWAY_LOG_SECONDS = 60.0
"""The pause between two log lines while the database is not available."""
MISSED_START_SECONDS = 30.0
"""If the start of a tick is late by more than this time, the process ends."""
GRACE_SECONDS = 25.0
"""A stop of the process waits at most this time for running work. A send takes less time."""
CANCEL_SECONDS = 4.0
"""After GRACE_SECONDS, a stop cancels the running work, and waits at most this time for its end."""
LOOP_CHECK_SECONDS = 5.0
LOOP_CHECKS = 6
"""If the event loop makes no progress in this many checks in a row, the loop has hung."""
# While the database is not available, a heartbeat usually begins every 17 seconds. A connection
# that is closed at the moment of BEAT_LIMIT_SECONDS swallows that limit. Then only the limits of
# the database role end the heartbeat: 30 seconds for each of its two transactions.
BEAT_CHECKS = 24
"""If no heartbeat begins in this many checks in a row, the heartbeat hangs."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Tick:
    """A piece of periodic work. `every` (its interval) and `limit` are in seconds."""

    name: str
    every: float
    limit: float
    """If one run of the work takes longer than this, the work has hung."""
    run: Callable[[], Awaitable[None]]


class Clock:
    """The loop of one process. It runs the ticks, writes the heartbeat, and notices a hang."""

    def __init__(
        self,
        ticks: list[Tick],
        beat: Callable[[], Awaitable[None]],
        stopping: asyncio.Event,
        under_way: set[asyncio.Task[None]],
    ) -> None:
        """Prepare the clock. Nothing runs before `run` is called.

        A tick is a piece of periodic work. `beat` is the function that writes the heartbeat. When
        `stopping` is set, the process must stop, and a tick takes no new work. `under_way` contains
        tasks that a tick has started and that run longer than the tick. A stop waits for these
        tasks.
        """
        self._ticks = ticks
        self._beat = beat
        self._stopping = stopping
        self._under_way = under_way
        self._repeating: dict[str, asyncio.Task[None]] = {}
        self._failure: str | None = None
        self._running: dict[str, asyncio.Task[None]] = {}
        self._idle_seconds = {tick.name: 0.0 for tick in ticks}
        self._away_since: float | None = None
        self._away_logged_at = 0.0
        self._last_beat_at = time.monotonic()
        self._beats = 0
        self._loop_turns = 0
        self._ended = threading.Event()

    async def run(self) -> int:
        """Run until `stopping` is set. Then wait for running work, and return the exit status."""
        loop = asyncio.get_running_loop()
        watch = partial(self._watch_loop, loop)
        threading.Thread(target=watch, daemon=True, name="loop-watch").start()
        for tick in self._ticks:
            self._repeating[tick.name] = asyncio.create_task(self._repeat(tick))
        heartbeat = asyncio.create_task(self._keep_beating())
        await self._stopping.wait()
        await self._drain()
        heartbeat.cancel()
        for repeating in self._repeating.values():
            repeating.cancel()
        self._ended.set()
        return 0 if self._failure is None else 1

    def fail(self, reason: str) -> None:
        """Log the reason and stop the clock with exit status 1.

        The supervisor (the program that runs this process) then starts the process again.
        """
        if self._failure is None:
            self._failure = reason
            log.critical("Scheduler gives up", why=reason)
        self._stopping.set()

    async def _repeat(self, tick: Tick) -> None:
        """Run a tick every `tick.every` seconds until the clock stops.

        If a run lasts longer than this interval, the starts during the run are skipped. The next
        run starts at the next multiple of the interval.
        """
        due_at = time.monotonic()
        while not self._stopping.is_set():
            missed = max(time.monotonic() - due_at, 0) // tick.every
            due_at += (missed + 1) * tick.every
            await asyncio.sleep(due_at - time.monotonic())
            await self._run_tick(tick)

    async def _run_tick(self, tick: Tick) -> None:
        """Run a tick one time. If the clock stops or the database is not available, do nothing.

        If the tick exceeds its time limit, the process is stopped. Any other error is only logged.
        """
        self._idle_seconds[tick.name] = 0.0
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
                self._record_database_away(error)
            else:
                log.exception("Worker error", tick=tick.name)
        finally:
            self._idle_seconds[tick.name] = 0.0
            self._running.pop(tick.name, None)

    async def _keep_beating(self) -> None:
        """Write the heartbeat repeatedly, and check the ticks after each heartbeat."""
        pause = BEAT_SECONDS
        while True:
            self._beats += 1
            try:
                async with asyncio.timeout(BEAT_LIMIT_SECONDS):
                    await self._beat()
            except Exception as error:
                if is_away(error):
                    self._record_database_away(error)
                    pause = min(pause * 2, MAX_BEAT_SECONDS)
                else:
                    log.exception("Worker error", tick="heartbeat")
                    self._check_heartbeat()
            else:
                self._record_beat()
                pause = BEAT_SECONDS
                self._check_ticks_start()
            await asyncio.sleep(pause)

    def _record_database_away(self, error: Exception) -> None:
        now = time.monotonic()
        if self._away_since is None:
            self._away_since, self._away_logged_at = now, now
            log.error("The database is away: waiting for it", cause=cause(error))
        elif now - self._away_logged_at >= AWAY_LOG_SECONDS:
            self._away_logged_at = now
            seconds = round(now - self._away_since)
            log.error("The database is still away", seconds=seconds, cause=cause(error))

    def _record_beat(self) -> None:
        self._last_beat_at = time.monotonic()
        if self._away_since is not None:
            log.warning(
                "The database is back", seconds=round(self._last_beat_at - self._away_since)
            )
            self._away_since = None

    def _check_heartbeat(self) -> None:
        """Stop the process if the database is available but refuses the heartbeat for too long."""
        if (
            self._away_since is None
            and time.monotonic() - self._last_beat_at > HEARTBEAT_REFUSED_SECONDS
        ):
            self.fail(f"the heartbeat was refused for more than {HEARTBEAT_REFUSED_SECONDS:.0f} s")

    def _check_ticks_start(self) -> None:
        """Stop the process if a tick has not started for too long.

        The time since the last end of a tick is counted in heartbeats. Therefore a pause of the
        whole machine does not count.
        """
        for tick in self._ticks:
            if tick.name in self._running:
                continue
            self._idle_seconds[tick.name] += BEAT_SECONDS
            if self._idle_seconds[tick.name] > tick.every + tick.limit + MISSED_START_SECONDS:
                self.fail(f"tick {tick.name} no longer fires")

    async def _drain(self) -> None:
        """Wait for the running ticks and tasks. After GRACE_SECONDS, cancel those that still run.

        The cancelled tasks get CANCEL_SECONDS to record their outcomes.
        """
        if work := {*self._running.values(), *self._under_way}:
            await asyncio.wait(work, timeout=GRACE_SECONDS)
        late = [task for task in work if not task.done()]
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=CANCEL_SECONDS)

    def _watch_loop(self, loop: asyncio.AbstractEventLoop) -> None:
        """Exit with status 1 if the event loop or the heartbeat hangs.

        This function runs in its own thread, because a loop that hangs cannot check itself. The
        loop works if it runs a callback of this thread.
        """
        last_turns, turns_missed = self._loop_turns, 0
        last_beats, beats_missed = self._beats, 0
        loop.call_soon_threadsafe(self._count_turn)
        while not self._ended.wait(LOOP_CHECK_SECONDS):
            turns_missed = turns_missed + 1 if self._loop_turns == last_turns else 0
            beats_missed = beats_missed + 1 if self._beats == last_beats else 0
            last_turns, last_beats = self._loop_turns, self._beats
            if turns_missed >= LOOP_CHECKS:
                _exit_hung("event loop")
            if beats_missed >= BEAT_CHECKS:
                _exit_hung("heartbeat")
            loop.call_soon_threadsafe(self._count_turn)

    def _count_turn(self) -> None:
        self._loop_turns += 1


def _exit_hung(what: str) -> NoReturn:
    sys.stderr.write(f"scheduler: its {what} hangs; exiting\n")
    faulthandler.dump_traceback()  # where it hangs: names of files and functions only
    sys.stderr.flush()
    os._exit(1)
