"""Run a server on a small disk that a test can fill: a file system in memory of its own."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MEGABYTES = 384
"""The size of the disk. A new database and its write-ahead log need about 150 MB."""
_FILLER = "filler"
_PIECES = (2**20, 2**12)
"""The sizes of the pieces in which the disk is filled, in bytes."""


class CannotMountError(Exception):
    """The operating system refuses to mount a file system."""


class SmallDisk:
    """A mounted file system, which `fill` fills with a file of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def free_bytes(self) -> int:
        """How many bytes an ordinary user can still write."""
        status = os.statvfs(self.folder)
        return status.f_bavail * status.f_frsize

    def fill(self) -> None:
        """Fill the disk to the last block."""
        descriptor = os.open(self.folder / _FILLER, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            size = os.fstat(descriptor).st_size
            for piece in _PIECES:
                while self.free_bytes >= piece:
                    os.posix_fallocate(descriptor, size, piece)
                    size += piece
        except OSError as error:
            if self.free_bytes >= _PIECES[-1]:
                raise CannotMountError(f"the disk cannot be filled: {error}") from error
        finally:
            os.close(descriptor)

    def free(self) -> None:
        """Remove what `fill` has written."""
        (self.folder / _FILLER).unlink(missing_ok=True)


@contextmanager
def mount(folder: Path) -> Iterator[SmallDisk]:
    """Mount a small disk on `folder` until the block ends. Raises CannotMountError.

    Only root may mount. Everybody else can use `unshare --user --map-root-user --mount`.
    """
    folder.mkdir(mode=0o711, parents=True, exist_ok=True)
    _run("mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m,mode=0711", "adtech-chaos", str(folder))
    try:
        yield SmallDisk(folder)
    finally:
        _run("umount", "--lazy", str(folder))


def _run(*command: str) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        said = getattr(error, "stderr", None) or str(error)
        raise CannotMountError(said.strip()) from error
