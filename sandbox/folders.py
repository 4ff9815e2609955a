"""Write private files, and choose folders for sockets."""

import hashlib
import os
import re
import shutil
import stat
import tempfile
from pathlib import Path

from sandbox.telegram.startup_errors import CannotStart

_SOCKET_LIMIT = 107  # the longest path of a socket, in bytes


def write_private(path: Path, text: str) -> None:
    """Replace a file completely or not at all. Only its owner can read the file."""
    partial = path.with_name(f"{path.name}.partial")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def socket_folder(folder: Path, socket: str, uid: int, gid: int) -> Path:
    """Return `folder` or a temporary folder, in which the socket file `socket` can be created.

    The result is a temporary folder if the path in `folder` is too long or has special characters.
    The user `uid` owns the temporary folder. Raises CannotStart if another user can enter the
    temporary folder, or if the path is still too long.
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
    """Remove the temporary folder for sockets, if there is one."""
    if socket_folder_path != folder:
        shutil.rmtree(socket_folder_path, ignore_errors=True)


def _is_socket_path(socket: Path) -> bool:
    """Return whether the path is short and needs no quotes in a database URL."""
    return (
        len(os.fsencode(socket)) <= _SOCKET_LIMIT
        and re.fullmatch(r"[A-Za-z0-9/._-]+", str(socket)) is not None
    )
