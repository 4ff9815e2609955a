"""Record which functions each test calls, at the first time that a file of tests is needed."""

import threading
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.mutants.cache import Cache
from tests.mutants.pool import Pool

SECONDS = 900.0
"""The time limit for the tests of one file without a mutant, in seconds."""


class Recorder:
    """The functions that each test calls, by file of tests. Several threads may use it."""

    def __init__(self, root: Path, pool: Pool, cache: Cache) -> None:
        self._root, self._pool, self._cache = root, pool, cache
        self._known: dict[str, dict[str, Any]] = {}
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def record(self, files: Sequence[str]) -> dict[str, Any]:
        """Return which functions each test of some files calls, and how long each test takes.

        Raises SystemExit if a test fails without a mutant.
        """
        recorded: dict[str, Any] = {"functions": {}, "times": {}}
        for file in files:
            answer = self._of_file(file)
            for key, part in recorded.items():
                part.update(answer[key])
        return recorded

    def _of_file(self, file: str) -> dict[str, Any]:
        with self._pool.lock:
            lock = self._locks[file]
        with lock:
            if file not in self._known:
                self._known[file] = self._cache.coverage(self._root / file) or self._run(file)
            return self._known[file]

    def _run(self, file: str) -> dict[str, Any]:
        answer = self._pool.run({"do": "coverage", "tests": [file], "limit": SECONDS})
        if answer["killer"] is not None:
            raise SystemExit(f"without a mutant, {answer['killer']} fails: {answer['why']}")
        with self._pool.lock:
            self._cache.add_coverage(self._root / file, answer)
        return answer
