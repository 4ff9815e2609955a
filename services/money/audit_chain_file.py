"""The seals' file: one line a seal, only added to, outside the database.

Best on a disk that who administers the database cannot write. Processes that share the file take
turns; each machine may as well keep a file of its own.
"""

import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO

from services.money.audit_chain import ChainLink

_TAIL = 4_096
"""Bytes; a line has some 200."""


class AuditChainFileError(Exception):
    """A line of the file is no seal; the message names the line."""


def read(path: Path) -> list[ChainLink]:
    """Return all seals of the file. Raises AuditChainFileError, OSError."""
    lines = path.read_bytes().split(b"\n")
    # What a process that was killed wrote half is behind the last end of a line.
    return [_seal(line, f"line {number}") for number, line in enumerate(lines[:-1], 1)]


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO | None]:
    """Open the file to add to it, made if it is missing; None while another process does.

    Raises OSError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    with path.open("a+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
        else:
            yield file


def last(file: BinaryIO) -> ChainLink | None:
    """Return the last seal of an opened file; half a line behind it is cut off.

    Raises as `read`.
    """
    size = file.seek(0, os.SEEK_END)
    start = max(size - _TAIL, 0)
    file.seek(start)
    tail = file.read()
    end = tail.rfind(b"\n") + 1
    if end < len(tail):
        file.truncate(start + end)
    lines = tail[:end].splitlines()
    return _seal(lines[-1], "the last line") if lines else None


def append(file: BinaryIO, seals: Sequence[ChainLink]) -> None:
    """Add seals to an opened file; they are on the disk when this returns. Raises OSError."""
    file.write(b"".join(json.dumps(asdict(each)).encode() + b"\n" for each in seals))
    file.flush()
    os.fsync(file.fileno())


def _seal(line: bytes, where: str) -> ChainLink:
    try:
        return ChainLink(**json.loads(line))
    except (ValueError, TypeError) as error:
        raise AuditChainFileError(f"{where} is not a seal") from error
