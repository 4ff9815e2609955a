"""Count what happened in this process in the last minutes, for the alerts.

Each heartbeat carries the counts, so that the scheduler can add up those of all processes.
"""

import time
from collections import deque

WINDOWS = {
    "conflicts": 60.0,
    "approve_failures": 300.0,
    "approve_timeouts": 300.0,
    "hold_failures": 300.0,
    "approvals": 300.0,
    "approvals_slow": 300.0,
    "telegram_errors": 60.0,
    "poll_conflicts": 60.0,
}
"""The events, each with the seconds for which an event counts."""
MAX_COUNTED = 1_000
"""More events of one kind are not counted."""

_times = {name: deque[float](maxlen=MAX_COUNTED) for name in WINDOWS}
_states: dict[str, float] = {}


def note(name: str) -> None:
    """Count one event now."""
    _times[name].append(time.monotonic())


def set_state(name: str, *, is_true: bool) -> None:
    """Add a state of this process to the counts: 1 if it is true, otherwise 0."""
    _states[name] = float(is_true)


def counts() -> dict[str, float]:
    """Return the number of events in the window of each kind, and the states."""
    now = time.monotonic()
    counted = {}
    for name, times in _times.items():
        while times and now - times[0] > WINDOWS[name]:
            times.popleft()
        counted[name] = float(len(times))
    return counted | _states
