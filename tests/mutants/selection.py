"""Choose the order of the tests for a mutant: first the tests that are most likely to fail.

A mutant is the product without one of its guards (checks that refuse).
"""

from pathlib import Path
from typing import Any

from tests.mutants.mutant import Mutant

FIRST_ROUND = 12
"""The number of tests in the first round. A round is a list of tests that run together on a mutant.
Most mutants are killed in the first round."""
MONEY_CORE_TESTS = ("tests/services", "tests/db", "tests/migrations")
"""The folders of tests that work without Telegram. These tests are quicker than others, and they
test the guards of the services and the database directly."""
SHORT_WORD = 5
"""Words up to this length are ignored when names are compared. Short words like `post` and `check`
are in too many names."""
START_SECONDS = 60.0
TIME_FACTOR = 6
"""A round of tests may take this many times its usual time, because the machine may have other
work."""


class Selection:
    """The order of the tests for each mutant.

    The order follows from the functions that each test enters, and from the names in the test's
    file.
    """

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
        """Return the tests for a mutant as a list of at most two rounds (lists of tests).

        The first round has the tests that are most likely to fail, and the second round has the
        others. The result is empty if no test enters the function of the mutant.
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
        """Return the longest time that one of these rounds (lists of tests) may take in seconds."""
        longest = max(sum(self._seconds[test] for test in tests) for tests in rounds)
        return START_SECONDS + TIME_FACTOR * longest

    def _of_database(self, mutant: Mutant) -> list[str]:
        """Return all tests of MONEY_CORE_TESTS, with the most promising tests first.

        First come tests that are named after the table, the kind of guard, or the function. Then
        come, in this order: files about constraints or guards, files whose name has a word of the
        table or function, files that mention the table or function, and tests that enter a module
        that mentions it. A function is named after what it protects. Therefore tests of withdrawals
        come early for `require_withdrawal_match`.
        """
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
            (test for test in self._seconds if test.startswith(MONEY_CORE_TESTS)), key=rank
        )

    def _duration(self, test: str) -> float:
        return self._seconds[test]


def _stem(test: str) -> str:
    return Path(test.split("::", maxsplit=1)[0]).stem


def _named_for(test: str, mutant: Mutant) -> bool:
    """Tell whether a test file's name has a word that also names the guard of a mutant.

    The guard's words are those of its kind, its module and its function.
    """
    stem = _stem(test)
    words = mutant.kind.split() + mutant.scope.split("_") + [Path(mutant.location).stem]
    return any(len(word) > len("row") and word != "call" and word in stem for word in words)
