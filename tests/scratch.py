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
    if _VARIABLE in os.environ or not _has_room():
        return
    folder = _MEMORY / f"adtech-tests-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        return
    _forget_the_killed(folder)
    os.environ[_VARIABLE] = str(folder)


def _has_room() -> bool:
    return os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _ROOM


def _forget_the_killed(folder: Path) -> None:
    """Remove what a run left that was killed: pytest would keep it, in memory, for three days."""
    for lock in folder.glob("pytest-of-*/pytest-*/.lock"):
        with contextlib.suppress(OSError, ValueError):
            if not Path(f"/proc/{int(lock.read_text())}").exists():
                shutil.rmtree(lock.parent, ignore_errors=True)
