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
        self._reach = folder / "reach.jsonl"
        if fresh:
            self._verdicts.unlink(missing_ok=True)
            self._reach.unlink(missing_ok=True)
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

    def reach(self, test_file: Path) -> dict[str, Any] | None:
        """Return what the tests of a file enter, if it has not changed.

        The source may have: then a mutant may live although a test would have met it, and a run
        that forgets everything is due. No mutant dies of it.
        """
        if not self._reach.exists():
            return None
        wanted = _digest(test_file)
        for line in self._reach.read_text().splitlines():
            row: dict[str, Any] = json.loads(line)
            if row["of"] == wanted:
                return row
        return None

    def keep_reach(self, test_file: Path, found: dict[str, Any]) -> None:
        """Write down what the tests of a file enter."""
        with self._reach.open("a") as file:
            file.write(json.dumps(found | {"of": _digest(test_file)}) + "\n")


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
