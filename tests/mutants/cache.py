"""Keep the results of earlier runs of `python -m tests.mutants` in a folder."""

import hashlib
import json
from pathlib import Path
from typing import Any

from tests.mutants.mutant import Mutant


class Cache:
    """The results of earlier runs for mutants and for test files."""

    def __init__(self, folder: Path, *, fresh: bool) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._verdicts = folder / "verdicts.jsonl"
        self._coverage = folder / "coverage.jsonl"
        if fresh:
            self._verdicts.unlink(missing_ok=True)
            self._coverage.unlink(missing_ok=True)
        self._known: dict[str, dict[str, Any]] = {}
        if self._verdicts.exists():
            for line in self._verdicts.read_text().splitlines():
                row = json.loads(line)
                self._known[row["digest"]] = row["verdict"]

    def verdict(self, mutant: Mutant) -> dict[str, Any] | None:
        """Return the result of an earlier run for exactly this mutant, or None."""
        return self._known.get(mutant.digest)

    def add_verdict(self, mutant: Mutant, verdict: dict[str, Any]) -> None:
        """Write the result for a mutant to the folder."""
        row = {"name": mutant.name, "digest": mutant.digest, "verdict": verdict}
        with self._verdicts.open("a") as file:
            file.write(json.dumps(row) + "\n")

    def coverage(self, test_file: Path) -> dict[str, Any] | None:
        """Return the functions that are called by the tests of a file.

        None means that the file is new or has changed. The result can be older than the source
        code.
        """
        if not self._coverage.exists():
            return None
        digest = _digest(test_file)
        for line in self._coverage.read_text().splitlines():
            row: dict[str, Any] = json.loads(line)
            if row["of"] == digest:
                return row
        return None

    def add_coverage(self, test_file: Path, coverage: dict[str, Any]) -> None:
        """Record the functions that are called by the tests of a file."""
        with self._coverage.open("a") as file:
            file.write(json.dumps(coverage | {"of": _digest(test_file)}) + "\n")


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
