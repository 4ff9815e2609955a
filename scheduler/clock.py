"""Run the ticks (pieces of periodic work), and end the process if a tick or the process hangs.

All times are monotonic, so a change of the machine's time delays no tick.
"""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

import structlog

from bot import metrics, outages
from bot.hung_process import exit_hung
from db import correlation
from db.session import cause, failure_kind, is_away

BEAT_SECONDS = 2.0
MAX_BEAT_SECONDS = 4.0
"""The longest pause between heartbeats while the database is not available."""
BEAT_LIMIT_SECONDS = 5.0
"""The write of one heartbeat may take at most this time."""
HEARTBEAT_REFUSED_SECONDS = 60.0
"""If the database is available but refuses heartbeats for this long, the process ends."""
MISSED_START_SECONDS = 30.0
"""If the start of a tick is late by more than this time, the process ends."""
GRACE_SECONDS = 25.0
"""A stop of the process waits at most this time for running work."""
CANCEL_SECONDS = 4.0
"""A stop waits at most this time for the work that it has cancelled."""
LOOP_CHECK_SECONDS = 5.0
LOOP_CHECKS = 6
"""The event loop hangs if it makes no progress in this many checks in a row."""
# While the database is not available, a heartbeat usually begins every 9 seconds. A connection
# that is closed at the moment of BEAT_LIMIT_SECONDS swallows that limit. Then only the limits of
# the database role end the heartbeat: 30 seconds for each of its two transactions.
BEAT_CHECKS = 24
"""The heartbeat hangs if no heartbeat begins in this many checks in a row."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Tick:
    """A piece of periodic work. `every` (the interval) and `limit` are in seconds."""

    name: str
    every: float
    limit: float
    """A run that takes longer hangs."""
    run: Callable[[], Awaitable[None]]


class Clock:
    """The loop of one process, with its ticks and its heartbeat."""

    def __init__(
        self,
        ticks: list[Tick],
        beat: Callable[[], Awaitable[None]],
        stopping: asyncio.Event,
        under_way: set[asyncio.Task[None]],
    ) -> None:
        """Prepare the clock.

        `beat` writes the heartbeat. `stopping` is set when the process must stop. `under_way`
        contains the tasks that outlast their tick; a stop waits for these tasks.
        """
        self._ticks = ticks
        self._beat = beat
        self._stopping = stopping
        self._under_way = under_way
        self._repeating: dict[str, asyncio.Task[None]] = {}
        self._failure: str | None = None
        self._running: dict[str, asyncio.Task[None]] = {}
        self._idle_seconds = {tick.name: 0.0 for tick in ticks}
        self._waits_for_database = False
        self._outage_logged = False
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
        """Log the reason and stop the clock with exit status 1."""
        if self._failure is None:
            self._failure = reason
            log.critical("Scheduler gives up", why=reason)
        self._stopping.set()

    async def _repeat(self, tick: Tick) -> None:
        """Run a tick at multiples of `tick.every` seconds, and skip the starts during a run."""
        due_at = time.monotonic()
        while not self._stopping.is_set():
            missed = max(time.monotonic() - due_at, 0) // tick.every
            due_at += (missed + 1) * tick.every
            await asyncio.sleep(due_at - time.monotonic())
            await self._run_tick(tick)

    async def _run_tick(self, tick: Tick) -> None:
        """Run a tick once, unless the clock stops or the database is not available.

        If the run takes longer than the tick's limit, the process stops. Other errors are logged.
        """
        self._idle_seconds[tick.name] = 0.0
        if self._waits_for_database or self._stopping.is_set():
            return
        if (task := asyncio.current_task()) is not None:
            self._running[tick.name] = task
        try:
            with metrics.TICK_SECONDS.labels(tick.name).time():
                async with asyncio.timeout(tick.limit) as limit:
                    with correlation.correlated(correlation.new_id(tick.name)):
                        await tick.run()
            metrics.TICK_DONE.labels(tick.name).set_to_current_time()
        except Exception as error:
            if limit.expired() and not self._waits_for_database:
                self.fail(f"tick {tick.name} hung for more than {tick.limit:.0f} s")
            elif is_away(error):
                self._record_database_away(error)
            else:
                log.exception("Worker error", tick=tick.name)
        finally:
            self._idle_seconds[tick.name] = 0.0
            self._running.pop(tick.name, None)

    async def _keep_beating(self) -> None:
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
        """Let the ticks wait for the next heartbeat, and log the outage at most once a minute."""
        metrics.DATABASE_AWAY.set(True)
        self._waits_for_database = True
        outages.note_failure(outages.DATABASE, failure_kind(error))
        if not outages.may_log(outages.DATABASE):
            return
        if self._outage_logged:
            seconds = round(outages.lasting_seconds(outages.DATABASE))
            log.error("The database is still away", seconds=seconds, cause=cause(error))
        else:
            self._outage_logged = True
            log.error("The database is away: waiting for it", cause=cause(error))

    def _record_beat(self) -> None:
        """Let the ticks run again. The outage is over only when no tick fails any more."""
        self._last_beat_at = time.monotonic()
        self._waits_for_database = False
        metrics.DATABASE_AWAY.set(outages.is_long(outages.DATABASE))
        seconds = outages.take_ended(outages.DATABASE)
        if seconds is not None and self._outage_logged:
            self._outage_logged = False
            log.warning("The database is back", seconds=round(seconds))

    def _check_heartbeat(self) -> None:
        """Stop the process if the database answers, but refuses the heartbeat for too long."""
        if (
            not self._waits_for_database
            and time.monotonic() - self._last_beat_at > HEARTBEAT_REFUSED_SECONDS
        ):
            self.fail(f"the heartbeat was refused for more than {HEARTBEAT_REFUSED_SECONDS:.0f} s")

    def _check_ticks_start(self) -> None:
        """Stop the process if a tick has not started for too long."""
        for tick in self._ticks:
            if tick.name in self._running:
                continue
            self._idle_seconds[tick.name] += BEAT_SECONDS
            if self._idle_seconds[tick.name] > tick.every + tick.limit + MISSED_START_SECONDS:
                self.fail(f"tick {tick.name} no longer fires")

    async def _drain(self) -> None:
        """Wait for the running work, and cancel the rest after GRACE_SECONDS."""
        if work := {*self._running.values(), *self._under_way}:
            await asyncio.wait(work, timeout=GRACE_SECONDS)
        late = [task for task in work if not task.done()]
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=CANCEL_SECONDS)

    def _watch_loop(self, loop: asyncio.AbstractEventLoop) -> None:
        """Exit with status 1 if the event loop or the heartbeat hangs. Runs in its own thread."""
        last_turns, turns_missed = self._loop_turns, 0
        last_beats, beats_missed = self._beats, 0
        loop.call_soon_threadsafe(self._count_turn)
        while not self._ended.wait(LOOP_CHECK_SECONDS):
            turns_missed = turns_missed + 1 if self._loop_turns == last_turns else 0
            beats_missed = beats_missed + 1 if self._beats == last_beats else 0
            last_turns, last_beats = self._loop_turns, self._beats
            if turns_missed >= LOOP_CHECKS:
                exit_hung("scheduler", "event loop")
            if beats_missed >= BEAT_CHECKS:
                exit_hung("scheduler", "heartbeat")
            loop.call_soon_threadsafe(self._count_turn)

    def _count_turn(self) -> None:
        self._loop_turns += 1
