"""Where tests keep their files: in memory where there is room, since they make and drop databases.

A file system on a disk looks through all files that were just deleted whenever it makes a new one;
with a database a test that is a fifth of the whole run.
"""

import contextlib
import os
import shutil
from pathlib import Path

_MEMORY = Path("/dev/shm")  # noqa: S108 - what Linux calls it; each user has a folder of their own
_ROOM = 4 << 30  # bytes; a parallel run needs a quarter of it
_VARIABLE = "PYTEST_DEBUG_TEMPROOT"


def choose() -> None:
    """Tell pytest where its temporary folders go, unless its user has told it already."""
    if _VARIABLE not in os.environ and (chosen := folder()) is not None:
        _forget_the_killed(chosen)
        os.environ[_VARIABLE] = str(chosen)


def folder() -> Path | None:
    """Return this user's own folder in memory; None when there is no room, or it is another's."""
    if not _has_room():
        return None
    path = _MEMORY / f"adtech-tests-{os.getuid()}"
    path.mkdir(mode=0o700, exist_ok=True)
    return path if path.stat().st_uid == os.getuid() else None


def _has_room() -> bool:
    return os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _ROOM


def _forget_the_killed(chosen: Path) -> None:
    """Remove what a run left that was killed: pytest would keep it, in memory, for three days."""
    for lock in chosen.glob("pytest-of-*/pytest-*/.lock"):
        with contextlib.suppress(OSError, ValueError):
            if not Path(f"/proc/{int(lock.read_text())}").exists():
                shutil.rmtree(lock.parent, ignore_errors=True)
