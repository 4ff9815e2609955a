"""How much of the processor a process has used, its children included."""

import os
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def used(pid: int) -> float:
    """Seconds of a process and of all that it has started, whether those live or have ended."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    own = sum(map(int, stat.rpartition(")")[2].split()[11:15])) / _TICKS
    return own + sum(map(used, _children(tasks)))


def _children(tasks: list[Path]) -> list[int]:
    found: list[int] = []
    for task in tasks:
        try:
            found += map(int, (task / "children").read_text().split())
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found
