"""Choose the folder for the temporary files of tests: in RAM if enough memory is free.

Tests create and delete many databases. This is faster in RAM than on a disk.
"""

import contextlib
import os
import shutil
from pathlib import Path

_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - Linux's name; each user gets a folder
_NEEDED_BYTES = 4 << 30  # a parallel run needs a quarter of it
_VARIABLE = "PYTEST_DEBUG_TEMPROOT"


def choose() -> None:
    """Let pytest keep its temporary files in RAM, if this is possible.

    If the environment already names a folder for these files, nothing is changed.
    """
    if _VARIABLE not in os.environ and (chosen := folder()) is not None:
        _remove_leftovers(chosen)
        os.environ[_VARIABLE] = str(chosen)


def folder() -> Path | None:
    """Return a folder in RAM (in /dev/shm), and create it if necessary.

    Each user of the operating system has one such folder. Return None if less than 4 GiB are free,
    if /dev/shm cannot be written, or if the folder belongs to another user.
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
    """Remove the files of test runs that were killed, because they use RAM."""
    for lock in chosen.glob("pytest-of-*/pytest-*/.lock"):
        with contextlib.suppress(OSError, ValueError):
            if not Path(f"/proc/{int(lock.read_text())}").exists():
                shutil.rmtree(lock.parent, ignore_errors=True)
