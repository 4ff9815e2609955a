"""Lock folders for one process, write private files, and choose folders for sockets."""

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

_SOCKET_LIMIT = 107  # the longest path of a socket, in bytes


def lock(folder: Path, mode: int = 0o700) -> BinaryIO:
    """Create the folder if it does not exist, and lock it until the returned file is closed.

    Raises CannotStart if another process has the lock, or if the folder cannot be written.
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
    """Write a file that only its owner can read. The file is replaced completely or not at all."""
    partial = path.with_name(f"{path.name}.partial")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def socket_folder(folder: Path, socket: str, uid: int, gid: int) -> Path:
    """Return a folder for a socket: `folder`, or a temporary folder.

    `socket` is the name of the socket's file. If the path of this file is short and has only plain
    characters, the result is `folder`. Otherwise the result is a temporary folder, which is the
    same at each start. It belongs to the operating system's user `uid`, and no other user can enter
    it. Raises CannotStart if the path of the temporary folder is too long. Also raises CannotStart
    if another user owns this folder or can enter it.
    """
    if _is_socket_path(folder / socket):
        return folder
    name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    short = Path(tempfile.gettempdir()) / f"adtech-{os.geteuid()}-{name}"
    if not _is_socket_path(short / socket):
        raise CannotStart(f"the path of the temporary directory is too long: {short.parent}")
    short.mkdir(mode=0o700, exist_ok=True)
    status = short.lstat()
    if (
        not stat.S_ISDIR(status.st_mode)
        or status.st_uid not in (os.geteuid(), uid)
        or status.st_mode & 0o077
    ):
        raise CannotStart(f"{short} is not ours")
    os.chown(short, uid, gid)
    return short


def remove_sockets(socket_folder_path: Path, folder: Path) -> None:
    """Remove the temporary folder that `socket_folder` created for `folder`, if there is one."""
    if socket_folder_path != folder:
        shutil.rmtree(socket_folder_path, ignore_errors=True)


def _is_socket_path(socket: Path) -> bool:
    """Return whether a socket can have this path.

    The path must be short enough for the kernel. It must not have characters that need quotes in
    the URL of a database.
    """
    return (
        len(os.fsencode(socket)) <= _SOCKET_LIMIT
        and re.fullmatch(r"[A-Za-z0-9/._-]+", str(socket)) is not None
    )
