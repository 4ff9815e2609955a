"""Store the state in files: a journal that survives SIGKILL, and the log of channel posts."""

import json
import os
from pathlib import Path
from typing import Any

Json = dict[str, Any]
Tables = dict[str, dict[str, Any]]


def _dump(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _read_whole_lines(path: Path) -> list[Any]:
    """Return every complete line, parsed, and remove an incomplete last line from the file.

    A kill of the process can leave an incomplete last line. The call that wrote this line got no
    answer, so the line does not count.
    """
    if not path.exists():
        return []
    content = path.read_bytes()
    lines = content.split(b"\n")
    if lines[-1]:
        os.truncate(path, len(content) - len(lines[-1]))
    return [json.loads(line) for line in lines[:-1] if line]


def _open_to_append(path: Path) -> int:
    return os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


class Journal:
    """A file with the changes of named tables, from which a new process loads the state.

    A commit is one line of the file. If the process is killed during a commit, the incomplete line
    is ignored later. The process does not buffer lines, so a kill cannot undo a finished commit.
    Each start rewrites the file as one snapshot.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._pending: list[tuple[str, str, Any]] = []
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

    def put(self, table: str, key: object, value: Any) -> None:
        """Add the new content of one row to the next commit."""
        self._pending.append((table, str(key), value))

    def drop(self, table: str, key: object) -> None:
        """Add the removal of one row to the next commit."""
        self._pending.append((table, str(key), None))

    def commit(self) -> bool:
        """Write the pending changes, and return whether there were any."""
        if not self._pending:
            return False
        line = _dump(self._pending)
        self._pending = []
        _write_all(self._descriptor, line)
        return True

    def close(self) -> None:
        """Commit the pending changes and close the file."""
        self.commit()
        os.close(self._descriptor)


class PublicationLog:
    """A file with every message that the bot ever posted in a channel, including deleted ones.

    The control API lists publications from this file. Entries are only added.
    """

    def __init__(self, path: Path) -> None:
        self.entries: list[Json] = _read_whole_lines(path)
        self._descriptor = _open_to_append(path)

    def append(self, entry: Json) -> None:
        """Add one publication (a message that the bot posted in a channel) to the log.

        The publication is on the disk (fsync) when this function returns.
        """
        _write_all(self._descriptor, _dump(entry))
        os.fsync(self._descriptor)
        self.entries.append(entry)

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)
