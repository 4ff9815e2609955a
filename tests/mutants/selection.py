"""Choose the tests for a mutant, and the order of the tests."""

from pathlib import Path
from typing import Any

from tests.mutants.mutant import Mutant

FIRST_ROUND = 12
"""The number of tests that run first on a mutant."""
MONEY_CORE_TESTS = ("tests/services", "tests/db", "tests/migrations")
"""The folders of tests that work without Telegram."""
COMPARES_GUARDS = "tests/services/platform/test_guards.py"
"""These tests notice every change of the schema, so they prove nothing about a single guard."""
SHORT_WORD = 5
"""Words with at most this number of letters are ignored when names are compared."""
START_SECONDS = 60.0
TIME_FACTOR = 6
"""The allowed duration of a list of tests, as a multiple of the usual duration."""


class Selection:
    """The order of the tests for each mutant."""

    def __init__(self, root: Path, coverage: dict[str, Any]) -> None:
        self._root = root
        self._functions: dict[str, set[str]] = {
            test: set(locations) for test, locations in coverage["functions"].items()
        }
        self._seconds: dict[str, float] = coverage["times"]
        files = {test.split("::", maxsplit=1)[0] for test in self._seconds}
        self._texts = {file: (root / file).read_text() for file in files}
        self._modules = {
            path.relative_to(root).as_posix(): path.read_text()
            for folder in ("services", "db")
            for path in (root / folder).rglob("*.py")
        }

    def rounds(self, mutant: Mutant) -> list[list[str]]:
        """Return the tests for a mutant in at most two lists, the most promising tests first.

        The result is empty if no test calls the function of the mutant.
        """
        if mutant.where == "source":
            whole_file = mutant.scope == "*"
            prefix = f"{mutant.location} " if whole_file else f"{mutant.location} {mutant.scope}"
            chosen = [
                test
                for test, locations in self._functions.items()
                if any(
                    location.startswith(prefix) if whole_file else location == prefix
                    for location in locations
                )
            ]
            chosen.sort(
                key=lambda test: (
                    not test.startswith(MONEY_CORE_TESTS),
                    not _named_for(test, mutant),
                    self._duration(test),
                )
            )
        else:
            chosen = self._of_database(mutant)
        return [tests for tests in (chosen[:FIRST_ROUND], chosen[FIRST_ROUND:]) if tests]

    def limit(self, rounds: list[list[str]]) -> float:
        """Return the time limit for each of these lists of tests, in seconds."""
        longest = max(sum(self._seconds[test] for test in tests) for tests in rounds)
        return START_SECONDS + TIME_FACTOR * longest

    def _of_database(self, mutant: Mutant) -> list[str]:
        """Return all tests of MONEY_CORE_TESTS, the most promising tests first."""
        users = {name for name, text in self._modules.items() if mutant.location in text}

        def rank(test: str) -> tuple[int, float]:
            text = self._texts[test.split("::", maxsplit=1)[0]]
            if test.endswith(f"[{mutant.location}]") or _named_for(test, mutant):
                return 0, self._duration(test)
            if any(word in _stem(test) for word in ("constraints", "guards")):
                return 1, self._duration(test)
            if any(
                word in _stem(test) for word in mutant.location.split("_") if len(word) > SHORT_WORD
            ):
                return 2, self._duration(test)
            if mutant.location in text:
                return 3, self._duration(test)
            used = any(
                location.split(" ", maxsplit=1)[0] in users for location in self._functions[test]
            )
            return (4 if used else 5), self._duration(test)

        return sorted(
            (
                test
                for test in self._seconds
                if test.startswith(MONEY_CORE_TESTS) and not test.startswith(COMPARES_GUARDS)
            ),
            key=rank,
        )

    def _duration(self, test: str) -> float:
        return self._seconds[test]


def _stem(test: str) -> str:
    return Path(test.split("::", maxsplit=1)[0]).stem


def _named_for(test: str, mutant: Mutant) -> bool:
    """Return whether a test file's name contains a word that names the guard."""
    stem = _stem(test)
    words = mutant.kind.split() + mutant.scope.split("_") + [Path(mutant.location).stem]
    return any(len(word) > len("row") and word != "call" and word in stem for word in words)
