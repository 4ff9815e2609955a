"""Files of the world: a journal that survives SIGKILL, and the log of what channels have shown."""

import json
import os
from pathlib import Path
from typing import Any

Json = dict[str, Any]
Tables = dict[str, dict[str, Any]]


def _dump(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _whole_lines(path: Path) -> list[Any]:
    """Every complete line; a last one torn by a kill was never answered, so it never was."""
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
    """Changes of named tables, one line a commit, so that a commit is kept whole or not at all.

    Written without a buffer of our own: what was committed is with the kernel, which a killed
    process cannot take back. It is rewritten as one snapshot at each start.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._pending: list[tuple[str, str, Any]] = []
        self.tables = self._replay()
        self._compact()
        self._descriptor = _open_to_append(path)

    def _replay(self) -> Tables:
        tables: Tables = {}
        for commit in _whole_lines(self._path):
            for table, key, value in commit:
                rows = tables.setdefault(table, {})
                if value is None:
                    rows.pop(key, None)
                else:
                    rows[key] = value
        return tables

    def _compact(self) -> None:
        draft = self._path.with_suffix(".new")
        with draft.open("wb") as file:
            os.fchmod(file.fileno(), 0o600)
            for table, rows in self.tables.items():
                for key, value in rows.items():
                    file.write(_dump([[table, key, value]]))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._path)

    def put(self, table: str, key: object, value: Any) -> None:
        """Remember one row as it will be when the commit is written."""
        self._pending.append((table, str(key), value))

    def drop(self, table: str, key: object) -> None:
        """Forget one row."""
        self._pending.append((table, str(key), None))

    def commit(self) -> bool:
        """Write what is pending; tells whether there was anything."""
        if not self._pending:
            return False
        line = _dump(self._pending)
        self._pending = []
        _write_all(self._descriptor, line)
        return True

    def close(self) -> None:
        """Write the rest and let the file go."""
        self.commit()
        os.close(self._descriptor)


class PublicationLog:
    """Every message that the bot ever put into a channel; never rewritten, fsynced at once."""

    def __init__(self, path: Path) -> None:
        self.entries: list[Json] = _whole_lines(path)
        self._descriptor = _open_to_append(path)

    def append(self, entry: Json) -> None:
        """Add one publication; it is on the disk when this returns."""
        _write_all(self._descriptor, _dump(entry))
        os.fsync(self._descriptor)
        self.entries.append(entry)

    def close(self) -> None:
        """Let the file go."""
        os.close(self._descriptor)
