"""Read and extend a file with the audit chain, a list of digests (links) of the ledger."""

import fcntl
import json
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

from services.money.audit_chain import ChainLink

_TAIL = 4_096
_NAME = b'{"file": '
"""The start of the line that has the name of the file, by which the database knows the file."""


class AuditChainFileError(Exception):
    """A file cannot be used, or a line of it is not a link. The message says why."""


def read(path: Path) -> list[ChainLink]:
    """Return all links of the file. Raises AuditChainFileError, OSError."""
    lines = path.read_bytes().split(b"\n")
    # A process that was killed may have left an incomplete line after the last line end.
    return [
        _parse(line, f"line {number}")
        for number, line in enumerate(lines[:-1], 1)
        if not line.startswith(_NAME)
    ]


@contextmanager
def lock_for_append(path: Path) -> Iterator[tuple[BinaryIO, bool]]:
    """Open and lock the file to add links. Yields the file, and whether the lock was got.

    Creates a missing file. Does not wait if another process has the lock. Raises
    AuditChainFileError.
    """
    with _explained():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        # With O_NONBLOCK, a pipe in place of the file does not block the process.
        number = os.open(path, os.O_RDWR | os.O_APPEND | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        raise AuditChainFileError("it is no regular file")
    with os.fdopen(number, "a+b") as file:
        try:
            with _explained():
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            is_locked = True
        except BlockingIOError:
            is_locked = False
        yield file, is_locked


def name_of(file: BinaryIO) -> str | None:
    """Return the name in an opened file, or None if it has none. Raises AuditChainFileError.

    The name is the first line. A file of an earlier version got its name in a later line, or has no
    name.
    """
    with _explained():
        file.seek(0)
        line = next((line for line in file if line.startswith(_NAME)), None)
    if line is None:
        return None
    name = _load(line, "the line with the name")["file"]
    if not isinstance(name, str):
        raise AuditChainFileError("the name of the file is no text")
    return name


def last(file: BinaryIO) -> ChainLink | None:
    """Return the last link of an opened file, or None if the file has no link.

    Removes an incomplete last line from the file. Raises AuditChainFileError.
    """
    with _explained():
        size = file.seek(0, os.SEEK_END)
        start = max(size - _TAIL, 0)
        file.seek(start)
        tail = file.read()
        end = tail.rfind(b"\n") + 1
        if end == 0 and start > 0:
            raise AuditChainFileError("the last line is not a link of the audit chain")
        if end < len(tail):
            file.truncate(start + end)
    lines = [line for line in tail[:end].splitlines() if not line.startswith(_NAME)]
    return _parse(lines[-1], "the last line") if lines else None


def append(file: BinaryIO, links: Sequence[ChainLink], *, name: str | None = None) -> None:
    """Add links to an opened file, and wait until the disk has stored them.

    A `name` is written before the links. Raises AuditChainFileError.
    """
    named = [{"file": name}] if name else []
    lines: list[dict[str, Any]] = [*named, *map(asdict, links)]
    content = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    with _explained():
        # After an error, a buffer would keep the links, and closing the file would fail too.
        while content:
            content = content[os.write(file.fileno(), content) :]
        os.fsync(file.fileno())


@contextmanager
def _explained() -> Iterator[None]:
    """Raise AuditChainFileError in place of an OSError, except if another process has the lock."""
    try:
        yield
    except BlockingIOError:
        raise
    except OSError as error:
        raise AuditChainFileError(error.strerror or str(error)) from error


def _parse(line: bytes, where: str) -> ChainLink:
    content = _load(line, where)
    try:
        link = ChainLink(**content)
    except TypeError as error:
        raise AuditChainFileError(f"{where} is not a link of the audit chain") from error
    if [type(value) for value in asdict(link).values()] != [int, int, int, int, str]:
        raise AuditChainFileError(f"{where} is not a link of the audit chain")
    return link


def _load(line: bytes, where: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        raise AuditChainFileError(f"{where} is not a link of the audit chain") from error
