"""Lock a folder, so that only one process uses its files."""

import fcntl
import os
from pathlib import Path
from typing import BinaryIO

from sandbox.telegram.startup_errors import CannotStart


def lock(folder: Path, mode: int = 0o700) -> BinaryIO:
    """Create the folder if needed, and lock it until the returned file is closed.

    Raises CannotStart if another process has the lock, or if the folder is not writable.
    """
    try:
        folder.mkdir(mode=mode, parents=True, exist_ok=True)
        file = os.fdopen(os.open(folder / "lock", os.O_WRONLY | os.O_CREAT, 0o600), "wb")
    except OSError as error:
        raise CannotStart(f"cannot write in {folder}: {error.strerror}") from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.close()
        raise CannotStart(f"already running in {folder}") from error
    return file
