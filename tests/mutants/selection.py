"""Choose the tests for a mutant, and the order of the tests."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.mutants.database import KINDS
from tests.mutants.mutant import Mutant

MONEY_CORE_TESTS = ("tests/services", "tests/db", "tests/migrations")
"""The folders of tests that work without Telegram."""
OTHER_TESTS = ("tests/bot", "tests/handlers", "tests/scheduler")
"""The folders of tests that run on a guard of the source if no test of the money core fails."""
COMPARES_GUARDS = "tests/services/platform/test_guards.py"
"""These tests notice every change of the schema, so they prove nothing about a single guard."""
SHORT_WORD = 3
"""Words with at most this number of letters are ignored when names are compared."""
START_SECONDS = 60.0
TIME_FACTOR = 6
"""The allowed duration of a list of tests, as a multiple of the usual duration."""


class Selection:
    """The order of the tests for each mutant."""

    def __init__(self, root: Path) -> None:
        self._texts = {
            path.relative_to(root).as_posix(): path.read_text()
            for folder in MONEY_CORE_TESTS + OTHER_TESTS
            for path in sorted((root / folder).rglob("test_*.py"))
        }
        self._modules = {
            path.relative_to(root).as_posix(): path.read_text()
            for folder in ("services", "db")
            for path in (root / folder).rglob("*.py")
        }

    def batches(self, mutant: Mutant) -> Iterator[list[str]]:
        """Yield all files of tests for a mutant, the most promising ones first.

        The first lists are short: most mutants need no other.
        """
        files = self._ranked_files(mutant)
        size = 1
        while files:
            yield files[:size]
            del files[:size]
            size *= 2

    def tests(self, mutant: Mutant, recorded: dict[str, Any]) -> list[str]:
        """Return the tests of some files for a mutant, the most promising ones first.

        `recorded` is what `Recorder.record` has returned for these files. The result is empty if no
        test calls the function of the mutant.
        """
        functions, seconds = recorded["functions"], recorded["times"]
        chosen = list(seconds)
        if mutant.where == "source":
            whole_file = mutant.scope == "*"
            prefix = f"{mutant.location} " if whole_file else f"{mutant.location} {mutant.scope}"
            chosen = [
                test
                for test, locations in functions.items()
                if any(
                    location.startswith(prefix) if whole_file else location == prefix
                    for location in locations
                )
            ]
        files = list(dict.fromkeys(_file(test) for test in seconds))

        def rank(test: str) -> tuple[bool, int, float]:
            is_about = test.endswith(f"[{mutant.location}]")
            return not is_about, files.index(_file(test)), seconds[test]

        return sorted(chosen, key=rank)

    def limit(self, tests: list[str], recorded: dict[str, Any]) -> float:
        """Return the time limit for a list of tests, in seconds."""
        usual: float = sum(recorded["times"][test] for test in tests)
        return START_SECONDS + TIME_FACTOR * usual

    def _ranked_files(self, mutant: Mutant) -> list[str]:
        """Return the files of tests that prove something about a guard, the best ones first."""
        if mutant.where == "source":
            names = {Path(mutant.location).stem}
            words = set(mutant.scope.split("_"))
            files = list(self._texts)
        else:
            users = {name for name, text in self._modules.items() if mutant.location in text}
            names = {Path(name).stem for name in users}
            words = set(mutant.location.split("_"))
            files = [
                file
                for file in self._texts
                if file.startswith(MONEY_CORE_TESTS) and file != COMPARES_GUARDS
            ]

        def rank(file: str) -> tuple[bool, bool, int, bool, int]:
            text, stem = self._texts[file], Path(file).stem
            return (
                not file.startswith(MONEY_CORE_TESTS),
                not (mutant.kind in KINDS.values() and "constraints" in stem),
                -sum(len(word) > SHORT_WORD and word in stem for word in words)
                - 2 * (stem.removeprefix("test_") in names)
                - (mutant.location in text or mutant.scope in text)
                - any(name in text for name in names)
                - file.startswith(f"tests/{Path(mutant.location).parent}/"),
                mutant.where == "database" and "guards" not in stem,
                len(text),
            )

        return sorted(files, key=rank)


def _file(test: str) -> str:
    return test.split("::", maxsplit=1)[0]
