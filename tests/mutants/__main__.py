"""Takes away every guard of the money core, one at a time: the tests must notice each.

Constraints, triggers, unique indexes and the guards in functions come from the catalogue of a
migrated database; locks, status conditions and refusals of the source from its syntax. Nothing is
picked by hand. Prints each mutant with its killer; ends with 1 when one survives. Verdicts are kept
in `build/mutants/`, so that an interrupted run goes on where it was; survivors are tried again.
"""

import argparse
import re
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from tests import scratch
from tests.mutants.cache import Memory
from tests.mutants.mutant import Mutant
from tests.mutants.pool import Crew
from tests.mutants.selection import Choice

ROOT = Path(__file__).parents[2]
TESTS = tuple(
    f"tests/{name}" for name in ("services", "db", "migrations", "bot", "handlers", "scheduler")
)
SLOW = 900.0
"""Seconds that the tests of one file may take while they are watched."""


def main() -> int:
    """Run what the arguments ask for; 1 when a mutant survived."""
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # cleans up
    begun = time.monotonic()
    memory = Memory(ROOT / "build/mutants", fresh=options.fresh)
    with tempfile.TemporaryDirectory(prefix="adtech-mutants-", dir=scratch.folder()) as folder:
        crew = Crew(ROOT, Path(folder), options.jobs)
        try:
            mutants = _listed(crew, options.only)
            if options.list:
                for mutant in mutants:
                    _tell(mutant.name)
                return 0
            choice = Choice(ROOT, _reach(crew, memory))
            verdicts = _try_all(crew, mutants, choice, memory, skip=options.known)
        finally:
            crew.end()
    return _summary(mutants, verdicts, time.monotonic() - begun)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--only", default="", help="a regular expression on mutants' names")
    parser.add_argument("--jobs", type=int, default=2, help="processes side by side")
    parser.add_argument("--list", action="store_true", help="only list them")
    parser.add_argument("--fresh", action="store_true", help="forget what earlier runs found out")
    parser.add_argument(
        "--known", action="store_true", help="do not try survivors of an earlier run again"
    )
    return parser.parse_args()


def _listed(crew: Crew, only: str) -> list[Mutant]:
    found = [Mutant(**row) for row in crew.ask({"do": "list"})["mutants"]]
    return [mutant for mutant in found if re.search(only, mutant.name)]


def _reach(crew: Crew, memory: Memory) -> dict[str, Any]:
    """Return what each test enters; watched again where a test has changed."""
    files = [path for folder in TESTS for path in sorted((ROOT / folder).rglob("test_*.py"))]
    known = {path: memory.reach(path) for path in files}
    if missing := [path for path in files if known[path] is None]:
        _tell(f"Watching what the tests of {len(missing)} files enter …")

    def watch(path: Path) -> None:
        name = path.relative_to(ROOT).as_posix()
        found = crew.ask({"do": "reach", "tests": [name], "limit": SLOW})
        if found["killer"] is not None:
            raise SystemExit(f"without a mutant, {found['killer']} fails: {found['why']}")
        known[path] = found
        with crew.lock:
            memory.keep_reach(path, found)

    crew.share_out(watch, missing)
    reach: dict[str, Any] = {"reach": {}, "times": {}}
    for found in known.values():
        assert found is not None
        for key, part in reach.items():
            part.update(found[key])
    return reach


def _try_all(
    crew: Crew, mutants: list[Mutant], choice: Choice, memory: Memory, *, skip: bool
) -> dict[str, dict[str, Any]]:
    verdicts: dict[str, dict[str, Any]] = {}

    def trial(mutant: Mutant) -> None:
        verdict = memory.verdict(mutant)
        if verdict is None or (verdict["killer"] is None and not skip):
            verdict = {"killer": None, "why": ["no test enters it"], "seconds": 0}
            if rounds := choice.rounds(mutant):
                order = {"do": "try", "rounds": rounds, "limit": choice.limit(rounds)}
                verdict = crew.ask(vars(mutant) | order)
            with crew.lock:
                memory.keep(mutant, verdict)
        with crew.lock:
            verdicts[mutant.name] = verdict
            mark = "SURVIVED" if verdict["killer"] is None else "killed"
            _tell(f"[{len(verdicts)}/{len(mutants)}] {mark}  {mutant.name}")
            _tell(f"        by {verdict['killer']}" if verdict["killer"] else "")

    crew.share_out(trial, mutants)
    return verdicts


def _summary(mutants: list[Mutant], verdicts: dict[str, dict[str, Any]], seconds: float) -> int:
    survivors = [mutant for mutant in mutants if verdicts[mutant.name]["killer"] is None]
    kinds = Counter(mutant.kind for mutant in mutants)
    alive = Counter(mutant.kind for mutant in survivors)
    _tell("")
    for kind, number in kinds.most_common():
        _tell(f"{kind:<18}{number - alive[kind]:>5} of {number} killed")
    for mutant in survivors:
        _tell(f"SURVIVED  {mutant.name}")
    _tell(f"{len(mutants) - len(survivors)} of {len(mutants)} mutants killed in {seconds:.0f} s")
    return 1 if survivors else 0


def _tell(words: str) -> None:
    if words:
        print(words, flush=True)  # noqa: T201 - what this program is for


if __name__ == "__main__":
    sys.exit(main())
