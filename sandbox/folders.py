"""Folders for one process at a time, private files, and places for sockets."""

import fcntl
import hashlib
import os
import re
import shutil
import stat
import tempfile
from pathlib import Path
from typing import BinaryIO

from sandbox.startup_errors import CannotStart

_SOCKET_LIMIT = 107  # bytes in a socket's address


def lock(folder: Path, mode: int = 0o700) -> BinaryIO:
    """Make the folder if it is not there, and lock it until the file returned is closed.

    Raises CannotStart when another has the lock or the folder cannot be written.
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


def write_private(path: Path, text: str) -> None:
    """Write a file for its owner alone, all of it or nothing."""
    partial = path.with_name(f"{path.name}.partial")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def socket_folder(folder: Path, socket: str, uid: int, gid: int) -> Path:
    """The folder itself, or a private one with a short and plain path where it must be.

    The private one belongs to the user given; `socket` is the longest name to be put there.
    Its name depends on the folder alone, so that addresses stay the same from start to start.
    """
    if _fits(folder / socket):
        return folder
    name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    short = Path(tempfile.gettempdir()) / f"adtech-{os.geteuid()}-{name}"
    if not _fits(short / socket):
        raise CannotStart(f"the path of the temporary directory is too long: {short.parent}")
    short.mkdir(mode=0o700, exist_ok=True)
    found = short.lstat()
    if (
        not stat.S_ISDIR(found.st_mode)
        or found.st_uid not in (os.geteuid(), uid)
        or found.st_mode & 0o077
    ):
        raise CannotStart(f"{short} is not ours")
    os.chown(short, uid, gid)
    return short


def remove_sockets(sockets: Path, folder: Path) -> None:
    """Remove what `socket_folder` made for `folder`, if it made something."""
    if sockets != folder:
        shutil.rmtree(sockets, ignore_errors=True)


def _fits(socket: Path) -> bool:
    """Whether drivers take the path in an address without quoting, and the kernel at all."""
    return (
        len(os.fsencode(socket)) <= _SOCKET_LIMIT
        and re.fullmatch(r"[A-Za-z0-9/._-]+", str(socket)) is not None
    )
