"""Read and extend a file with the audit chain, a list of digests (links) of the ledger."""

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


class AuditChainFileError(Exception):
    """A line of the file is not a link of the audit chain. The message names the line."""


def read(path: Path) -> list[ChainLink]:
    """Return all links of the file. Raises AuditChainFileError, OSError."""
    lines = path.read_bytes().split(b"\n")
    # A process that was killed may have left an incomplete line after the last line end.
    return [_parse(line, f"line {number}") for number, line in enumerate(lines[:-1], 1)]


@contextmanager
def lock_for_append(path: Path) -> Iterator[BinaryIO | None]:
    """Open and lock the file to add links.

    Creates a missing file. Yields None without waiting if another process has the lock. Raises
    OSError.
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
    """Return the last link of an opened file, or None if the file has no link.

    Removes an incomplete last line from the file. Raises AuditChainFileError, OSError.
    """
    size = file.seek(0, os.SEEK_END)
    start = max(size - _TAIL, 0)
    file.seek(start)
    tail = file.read()
    end = tail.rfind(b"\n") + 1
    if end < len(tail):
        file.truncate(start + end)
    lines = tail[:end].splitlines()
    return _parse(lines[-1], "the last line") if lines else None


def append(file: BinaryIO, links: Sequence[ChainLink]) -> None:
    """Add links to an opened file, and wait until the disk has stored the links. Raises OSError."""
    file.write(b"".join(json.dumps(asdict(link)).encode() + b"\n" for link in links))
    file.flush()
    os.fsync(file.fileno())


def _parse(line: bytes, where: str) -> ChainLink:
    try:
        return ChainLink(**json.loads(line))
    except (ValueError, TypeError) as error:
        raise AuditChainFileError(f"{where} is not a link of the audit chain") from error
