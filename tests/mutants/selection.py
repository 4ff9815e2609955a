"""Choose the order of the tests for a mutant: first the tests that are most likely to fail.

A mutant is the product without one of its guards (checks that refuse, or locks).
"""

from pathlib import Path
from typing import Any

from tests.mutants.mutant import Mutant

FIRST_ROUND = 12
"""The number of tests in the first round. A round is a list of tests that run together on a mutant.
For most mutants, one of these tests fails."""
MONEY_CORE_TESTS = ("tests/services", "tests/db", "tests/migrations")
"""The folders of tests that work without Telegram. These tests are quicker than others, and they
test the guards of the services and the database directly."""
SHORT_WORD = 5
"""Words with at most this number of letters are ignored when names are compared. Words like `post`
and `check` are in too many names."""
START_SECONDS = 60.0
TIME_FACTOR = 6
"""How many times its usual duration a round of tests is allowed to take. The machine may be busy
with other work."""


class Selection:
    """The order of the tests for each mutant.

    The order depends on the functions that each test enters, and on the name and the text of the
    test's file.
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
        """Return the tests for a mutant in at most two rounds, that is, lists of tests.

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
        """Return the time limit for each of these rounds (lists of tests), in seconds."""
        longest = max(sum(self._seconds[test] for test in tests) for tests in rounds)
        return START_SECONDS + TIME_FACTOR * longest

    def _of_database(self, mutant: Mutant) -> list[str]:
        """Return all tests of MONEY_CORE_TESTS, with the most promising tests first.

        The location of a mutant is the table or the function of its guard. The tests come in this
        order:

        - tests whose parameter is the location, and tests whose file is named after the guard
        - tests whose file name contains `constraints` or `guards`
        - tests whose file name contains a word of the location
        - tests whose file contains the location
        - tests that enter a module that contains the location
        - all other tests

        Within each of these groups, the quickest test comes first.
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
    """Return whether the name of a test's file has a word that also names the guard of a mutant.

    The words of the guard are its kind, its function, and its file or table.
    """
    stem = _stem(test)
    words = mutant.kind.split() + mutant.scope.split("_") + [Path(mutant.location).stem]
    return any(len(word) > len("row") and word != "call" and word in stem for word in words)
