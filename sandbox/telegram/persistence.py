"""Store the state and the bot's posts in files that survive a SIGKILL."""

import json
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sandbox.telegram import json_input

Json = dict[str, Any]
Tables = dict[str, dict[str, Any]]
Row = tuple[str, str, Any]

logger = logging.getLogger(__name__)


def _dump(value: object) -> bytes:
    return json_input.dump(value) + b"\n"


def _dump_rows(rows: list[Row]) -> bytes:
    """Return the line of a commit, without the rows that cannot be written as JSON."""
    try:
        return _dump(rows)
    except (TypeError, ValueError, RecursionError):
        return _dump([row for row in rows if _can_be_written(row)])


def _can_be_written(row: Row) -> bool:
    try:
        _dump(row)
    except (TypeError, ValueError, RecursionError):
        logger.exception("a row cannot be stored, and is lost at the next start: %s %s", *row[:2])
        return False
    return True


def _read_whole_lines(path: Path) -> Iterator[Any]:
    """Yield the JSON value of each complete line, and remove an incomplete last line."""
    if not path.exists():
        return
    complete = 0
    with path.open("rb") as file:
        for line in file:
            if not line.endswith(b"\n"):
                os.truncate(path, complete)
                return
            complete += len(line)
            if line != b"\n":
                yield json.loads(line, object_pairs_hook=_share_names)


def _share_names(pairs: list[tuple[str, Any]]) -> Json:
    # Without this, each line would have its own copy of every field's name.
    return {sys.intern(name): value for name, value in pairs}


def _open_to_append(path: Path) -> int:
    return os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)


def _write_all(descriptor: int, data: bytes) -> None:
    """Append the data to a file, or leave the file as it was and raise OSError."""
    size = os.fstat(descriptor).st_size
    view = memoryview(data)
    try:
        while view:
            view = view[os.write(descriptor, view) :]
    except OSError:
        os.ftruncate(descriptor, size)
        raise


class Journal:
    """A file with the changes of all tables, one line for each commit.

    A finished commit survives a kill of the process.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._pending: list[Row] = []
        self.tables = self._replay()
        self._compact()
        self._descriptor = _open_to_append(path)

    def _replay(self) -> Tables:
        tables: Tables = {}
        for commit in _read_whole_lines(self._path):
            for table, key, value in commit:
                rows = tables.setdefault(table, {})
                if value is None:
                    rows.pop(key, None)
                else:
                    rows[key] = value
        return tables

    def _compact(self) -> None:
        snapshot = self._path.with_suffix(".new")
        with snapshot.open("wb") as file:
            os.fchmod(file.fileno(), 0o600)
            for table, rows in self.tables.items():
                for key, value in rows.items():
                    file.write(_dump([[table, key, value]]))
            file.flush()
            os.fsync(file.fileno())
        snapshot.replace(self._path)

    def forget_tables(self) -> None:
        """Free the memory of the loaded rows, which the caller has read."""
        self.tables = {}

    def put(self, table: str, key: object, value: Any) -> None:
        """Add a row's new content to the next commit."""
        self._pending.append((table, str(key), value))

    def drop(self, table: str, key: object) -> None:
        """Add a row's removal to the next commit."""
        self._pending.append((table, str(key), None))

    def commit(self) -> bool:
        """Write the pending changes, and return whether there were any.

        If the file cannot be written, raises OSError and keeps the changes for the next commit.
        """
        if not self._pending:
            return False
        _write_all(self._descriptor, _dump_rows(self._pending))
        self._pending = []
        return True

    def close(self) -> None:
        """Commit the pending changes and close the file."""
        try:
            self.commit()
        finally:
            os.close(self._descriptor)


class PublicationLog:
    """A file with all posts of the bot in channels, including deleted posts."""

    def __init__(self, path: Path) -> None:
        self.entries: list[Json] = list(_read_whole_lines(path))
        self._descriptor = _open_to_append(path)

    def append(self, entry: Json) -> None:
        """Add one post, and flush the file to the disk."""
        _write_all(self._descriptor, _dump(entry))
        os.fsync(self._descriptor)
        self.entries.append(entry)

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)
