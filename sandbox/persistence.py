"""Store the state in two files: the journal, and the log of posts in channels.

The content of both files survives a SIGKILL.
"""

import json
import os
from pathlib import Path
from typing import Any

Json = dict[str, Any]
Tables = dict[str, dict[str, Any]]


def _dump(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _read_whole_lines(path: Path) -> list[Any]:
    """Return the JSON value of every complete line. Remove an incomplete last line.

    The last line is incomplete if the process was killed while it wrote the line.
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
    """A file with the changes of all tables. A new process loads the state from this file.

    Each commit writes one line. If the process is killed during a commit, the next start ignores
    the incomplete line. A finished commit survives a kill of the process. Each start replaces the
    old changes in the file by the current rows.
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
    """A file with all messages that the bot has posted in channels, including deleted messages.

    Entries are added, and never changed or removed.
    """

    def __init__(self, path: Path) -> None:
        self.entries: list[Json] = _read_whole_lines(path)
        self._descriptor = _open_to_append(path)

    def append(self, entry: Json) -> None:
        """Add one publication (a message that the bot posted in a channel) to the log.

        When the function returns, the publication is on the disk (fsync).
        """
        _write_all(self._descriptor, _dump(entry))
        os.fsync(self._descriptor)
        self.entries.append(entry)

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)
