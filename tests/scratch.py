"""Choose the folder for the files of tests: the folder is in memory if there is enough room.

Tests create and drop many databases. When a file system on a disk creates a file, it searches all
files that were deleted recently. With a database for each test, this search takes a fifth of the
time of the whole run.
"""

import contextlib
import os
import shutil
from pathlib import Path

_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - Linux's name; each user gets a folder
_NEEDED_BYTES = 4 << 30  # a parallel run needs a quarter of it
_VARIABLE = "PYTEST_DEBUG_TEMPROOT"


def choose() -> None:
    """Set pytest's folder for temporary files, unless the user has already set this folder."""
    if _VARIABLE not in os.environ and (chosen := folder()) is not None:
        _remove_leftovers(chosen)
        os.environ[_VARIABLE] = str(chosen)


def folder() -> Path | None:
    """Return this user's folder in memory.

    Return None if there is not enough room, or if another user owns the folder.
    """
    if not _has_room():
        return None
    path = _SHARED_MEMORY / f"adtech-tests-{os.getuid()}"
    path.mkdir(mode=0o700, exist_ok=True)
    return path if path.stat().st_uid == os.getuid() else None


def _has_room() -> bool:
    return (
        os.access(_SHARED_MEMORY, os.W_OK)
        and shutil.disk_usage(_SHARED_MEMORY).free > _NEEDED_BYTES
    )


def _remove_leftovers(chosen: Path) -> None:
    """Remove the files of killed runs; pytest would keep these files in memory for three days."""
    for lock in chosen.glob("pytest-of-*/pytest-*/.lock"):
        with contextlib.suppress(OSError, ValueError):
            if not Path(f"/proc/{int(lock.read_text())}").exists():
                shutil.rmtree(lock.parent, ignore_errors=True)
