"""Which tests meet a mutant first: those that are likeliest to notice, the quickest before."""

from pathlib import Path
from typing import Any

from tests.mutants.mutant import Mutant

FIRST = 12
"""Tests of the first round; most mutants die in it."""
NEAR = ("tests/services", "tests/db", "tests/migrations")
"""They meet the money core without a Telegram around it: quicker, and what guards it is theirs."""
SHORT = 5
"""Shorter words of a name say nothing: `post`, `check`."""
START_SECONDS = 60.0
PATIENCE = 6
"""How many times its usual time a round may take, on a machine with other work to do."""


class Choice:
    """Chooses by what the tests are known to enter, and by the names that their files speak of."""

    def __init__(self, root: Path, reach: dict[str, Any]) -> None:
        self._root = root
        self._entered: dict[str, set[str]] = {
            test: set(places) for test, places in reach["reach"].items()
        }
        self._seconds: dict[str, float] = reach["times"]
        files = {test.split("::", maxsplit=1)[0] for test in self._seconds}
        self._words = {file: (root / file).read_text() for file in files}
        self._modules = {
            path.relative_to(root).as_posix(): path.read_text()
            for folder in ("services", "db")
            for path in (root / folder).rglob("*.py")
        }

    def rounds(self, mutant: Mutant) -> list[list[str]]:
        """Return the tests for a mutant, in rounds; none when no test ever gets there."""
        if mutant.where == "source":
            whole = mutant.scope == "*"
            start = f"{mutant.place} " if whole else f"{mutant.place} {mutant.scope}"
            chosen = [
                test
                for test, places in self._entered.items()
                if any(place.startswith(start) if whole else place == start for place in places)
            ]
            chosen.sort(
                key=lambda test: (
                    not test.startswith(NEAR),
                    not _named_for(test, mutant),
                    self._quick(test),
                )
            )
        else:
            chosen = self._of_database(mutant)
        return [part for part in (chosen[:FIRST], chosen[FIRST:]) if part]

    def limit(self, rounds: list[list[str]]) -> float:
        """Return how many seconds a round may take."""
        longest = max(sum(self._seconds[test] for test in tests) for tests in rounds)
        return START_SECONDS + PATIENCE * longest

    def _of_database(self, mutant: Mutant) -> list[str]:
        """All near tests: those for the table, those about guards, those that name it, the rest.

        A function is named after what it guards: `require_withdrawal_match` is met by what is about
        withdrawals.
        """
        users = {name for name, text in self._modules.items() if mutant.place in text}

        def rank(test: str) -> tuple[int, float]:
            words = self._words[test.split("::", maxsplit=1)[0]]
            if test.endswith(f"[{mutant.place}]") or _named_for(test, mutant):
                return 0, self._quick(test)
            if any(word in _stem(test) for word in ("constraints", "guards")):
                return 1, self._quick(test)
            if any(word in _stem(test) for word in mutant.place.split("_") if len(word) > SHORT):
                return 2, self._quick(test)
            if mutant.place in words:
                return 3, self._quick(test)
            used = any(place.split(" ", maxsplit=1)[0] in users for place in self._entered[test])
            return (4 if used else 5), self._quick(test)

        return sorted((test for test in self._seconds if test.startswith(NEAR)), key=rank)

    def _quick(self, test: str) -> float:
        return self._seconds[test]


def _stem(test: str) -> str:
    return Path(test.split("::", maxsplit=1)[0]).stem


def _named_for(test: str, mutant: Mutant) -> bool:
    """Tell whether a test's file is about this kind of guard, its module or its function."""
    stem = _stem(test)
    words = mutant.kind.split() + mutant.scope.split("_") + [Path(mutant.place).stem]
    return any(len(word) > len("row") and word != "call" and word in stem for word in words)
