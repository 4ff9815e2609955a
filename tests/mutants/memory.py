"""What earlier runs found out, in a folder."""

import hashlib
import json
from pathlib import Path
from typing import Any

from tests.mutants.mutant import Mutant


class Memory:
    """Verdicts by mutant, and the reach of the tests."""

    def __init__(self, folder: Path, *, fresh: bool) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._verdicts = folder / "verdicts.jsonl"
        self._reach = folder / "reach.json"
        if fresh:
            self._verdicts.unlink(missing_ok=True)
        self._known: dict[str, dict[str, Any]] = {}
        if self._verdicts.exists():
            for line in self._verdicts.read_text().splitlines():
                row = json.loads(line)
                self._known[row["digest"]] = row["verdict"]

    def verdict(self, mutant: Mutant) -> dict[str, Any] | None:
        """Return the last verdict on this very change."""
        return self._known.get(mutant.digest)

    def keep(self, mutant: Mutant, verdict: dict[str, Any]) -> None:
        """Write a verdict down at once."""
        row = {"name": mutant.name, "digest": mutant.digest, "verdict": verdict}
        with self._verdicts.open("a") as file:
            file.write(json.dumps(row) + "\n")

    def reach(self, files: list[Path]) -> dict[str, Any] | None:
        """Return the reach of the tests, if none of these files has changed since."""
        if not self._reach.exists():
            return None
        known: dict[str, Any] = json.loads(self._reach.read_text())
        return known if known["of"] == _digest(files) else None

    def keep_reach(self, files: list[Path], found: dict[str, Any]) -> None:
        """Write the reach of the tests down."""
        self._reach.write_text(json.dumps(found | {"of": _digest(files)}))


def _digest(files: list[Path]) -> str:
    whole = hashlib.sha256()
    for path in files:
        whole.update(path.read_bytes())
    return whole.hexdigest()
