"""Measure how long a process takes for something, without the time in which others had the CPUs."""

import time
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class _Waits:
    """The waits of the main thread of a process, as the kernel counts them; zeros after its end."""

    seconds: float = 0.0
    """How long it has waited for a CPU since its start, without a wait that is not over."""
    turns: int = 0
    """How often it has got a CPU since its start."""
    wants_cpu: bool = False
    """Whether it runs, or waits for a CPU."""


@dataclass
class Stopwatch:
    """The time that a process has used since the stopwatch was made."""

    pid: int
    seconds: float = 0.0
    """The time up to the last call of `is_over`."""
    _began: float = field(default_factory=time.monotonic)
    _before: _Waits = field(init=False)
    _turns_at_limit: int | None = None

    def __post_init__(self) -> None:
        """Start to measure."""
        self._before = _read(self.pid)

    def is_over(self, limit: float) -> bool:
        """Return whether the process has used more than `limit` seconds.

        While the process waits for a CPU, the length of this wait is not known yet. So the limit is
        not over before the process has got a CPU again.
        """
        now = _read(self.pid)
        waited = max(now.seconds - self._before.seconds, 0.0)
        self.seconds = time.monotonic() - self._began - waited
        if self.seconds <= limit:
            self._turns_at_limit = None
            return False
        if now.wants_cpu and self._turns_at_limit in {None, now.turns}:
            self._turns_at_limit = now.turns
            return False
        return True


def _read(pid: int) -> _Waits:
    try:
        _, waited, turns = Path(f"/proc/{pid}/schedstat").read_text().split()
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return _Waits()
    return _Waits(int(waited) / 1e9, int(turns), state == "R")
