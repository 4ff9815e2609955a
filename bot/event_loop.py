"""Measure how late the event loop of a process is, and name the code that delays the loop."""

import asyncio
import sys
import threading
import time
from collections.abc import Iterator
from types import FrameType

import structlog

from bot import metrics
from bot.hung_process import exit_hung

INTERVAL_SECONDS = 0.1
"""The pause between two measurements, in seconds."""
HELD_SECONDS = 1.0
"""A delay of more seconds than this is logged and counted."""
HUNG_SECONDS = 25.0
"""After a delay of more seconds than this, a watch with `exit_as` ends its process."""
_ACTING = ("handlers", "scheduler")
"""If a function of these packages is on the stack, the log names this function."""
_OURS = (*_ACTING, "bot", "services", "db")
UNKNOWN = "unknown"

log = structlog.get_logger(__name__)


class LoopWatch:
    """The measurements of the event loop in which the instance was created."""

    def __init__(self, *, exit_as: str = "") -> None:
        """Prepare the measurements.

        If `exit_as` is given, it is the name of the process, which exits when the loop hangs.
        """
        self._exit_as = exit_as
        self._loop = asyncio.get_running_loop()
        self._thread_id = threading.get_ident()
        self._measured_at = time.monotonic()
        self._reported_at: float | None = None
        self._longest = 0.0
        self._ended = threading.Event()

    async def run(self) -> None:
        """Measure until the task is cancelled."""
        self._measured_at = time.monotonic()
        threading.Thread(target=self._watch, daemon=True, name="loop-lag").start()
        try:
            while True:
                due_at = time.monotonic() + INTERVAL_SECONDS
                await asyncio.sleep(INTERVAL_SECONDS)
                self._record(max(time.monotonic() - due_at, 0.0))
        finally:
            self._ended.set()

    def take_longest_lag(self) -> float:
        """Return the longest delay of the loop since the last call, in seconds."""
        longest, self._longest = self._longest, 0.0
        return longest

    def _record(self, lag: float) -> None:
        metrics.LOOP_LAG.observe(lag)
        self._longest = max(self._longest, lag)
        if lag > HELD_SECONDS and self._reported_at != self._measured_at:
            # The thread could not look either: some code of the interpreter did not let it run.
            self._report(UNKNOWN, None)
        self._measured_at = time.monotonic()

    def _watch(self) -> None:
        """Log and count each delay of more than HELD_SECONDS."""
        while not self._ended.wait(INTERVAL_SECONDS):
            measured_at = self._measured_at
            late = time.monotonic() - measured_at - INTERVAL_SECONDS
            if late > HELD_SECONDS and self._reported_at != measured_at:
                self._reported_at = measured_at
                task = asyncio.current_task(self._loop)
                frame = sys._current_frames().get(self._thread_id)  # noqa: SLF001 - no other way
                self._report(_name_of(frame), task.get_name() if task is not None else None)
            if late > HUNG_SECONDS and self._exit_as:
                exit_hung(self._exit_as, "event loop")

    def _report(self, where: str, task: str | None) -> None:
        metrics.LOOP_HELD.labels(where).inc()
        log.error("The event loop is held", where=where, task=task, seconds=HELD_SECONDS)


def _name_of(frame: FrameType | None) -> str:
    """Return the name of a function of this product on a stack, or UNKNOWN."""
    stack = list(_frames(frame))
    for packages in (_ACTING, _OURS):
        for inner in stack:
            module = str(inner.f_globals.get("__name__", ""))
            if module.partition(".")[0] in packages:
                return f"{module}.{inner.f_code.co_qualname}"
    return UNKNOWN


def _frames(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back
