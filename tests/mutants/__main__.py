"""Takes away every guard of the money core, one at a time: the tests must notice each.

Constraints, triggers, unique indexes and the guards in functions come from the catalogue of a
migrated database; locks, status conditions and refusals of the source from its syntax. Nothing is
picked by hand. Prints each mutant with its killer; ends with 1 when one survives. Verdicts are kept
in `build/mutants/`, so that an interrupted run goes on where it was; survivors are tried again.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Queue
from typing import Any

from tests.mutants.choice import Choice
from tests.mutants.memory import Memory
from tests.mutants.mutant import Mutant

ROOT = Path(__file__).parents[2]
TESTS = ("tests/services", "tests/unit", "tests/migrations")
SLOW = 900.0
"""Seconds that all tests together may take when their reach is measured."""


class Worker:
    """A process with a server and a tree of its own."""

    def __init__(self, scratch: Path) -> None:
        self._errors = (scratch.parent / f"{scratch.name}.err").open("w")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.mutants.trial", str(ROOT), str(scratch)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )

    def ask(self, order: dict[str, Any] | None) -> dict[str, Any]:
        """Send an order (none: just wait until it is ready) and wait for what comes of it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        if order is not None:
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
        while line := self._process.stdout.readline():
            if line.startswith("{"):
                said: dict[str, Any] = json.loads(line)
                return said
        raise SystemExit(f"a worker ended early, see {self._errors.name}")

    def end(self) -> None:
        """Let it stop its server."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=60)
        self._errors.close()


def main() -> int:
    """Run what the arguments ask for; 1 when a mutant survived."""
    options = _options()
    begun = time.monotonic()
    memory = Memory(ROOT / "build/mutants", fresh=options.fresh)
    with tempfile.TemporaryDirectory(prefix="adtech-mutants-") as scratch:
        workers = [Worker(Path(scratch) / str(number)) for number in range(options.jobs)]
        try:
            for worker in workers:
                worker.ask(None)
            mutants = _listed(workers[0], options.only)
            if options.list:
                for mutant in mutants:
                    _tell(mutant.name)
                return 0
            choice = Choice(ROOT, _reach(workers[0], memory, mutants))
            verdicts = _try_all(workers, mutants, choice, memory, skip=options.known)
        finally:
            for worker in workers:
                worker.end()
    return _summary(mutants, verdicts, time.monotonic() - begun)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--only", default="", help="a regular expression on mutants' names")
    parser.add_argument("--jobs", type=int, default=2, help="processes side by side")
    parser.add_argument("--list", action="store_true", help="only list them")
    parser.add_argument("--fresh", action="store_true", help="forget earlier verdicts")
    parser.add_argument(
        "--known", action="store_true", help="do not try survivors of an earlier run again"
    )
    return parser.parse_args()


def _listed(worker: Worker, only: str) -> list[Mutant]:
    found = [Mutant(**row) for row in worker.ask({"do": "list"})["mutants"]]
    return [mutant for mutant in found if re.search(only, mutant.name)]


def _reach(worker: Worker, memory: Memory, mutants: list[Mutant]) -> dict[str, Any]:
    """Return what each test enters; measured again whenever a test or the source has changed."""
    assert mutants, "no mutant has such a name"
    files = [
        path
        for folder in (*TESTS, "tests/factories", "services", "db", "migrations")
        for path in sorted((ROOT / folder).rglob("*"))
        if path.suffix in {".py", ".sql"}
    ]
    found = memory.reach(files)
    if found is None:
        _tell("Watching which test enters what …")
        found = worker.ask({"do": "reach", "tests": list(TESTS), "limit": SLOW})
        if found["killer"] is not None:
            raise SystemExit(f"without a mutant, {found['killer']} fails: {found['why']}")
        memory.keep_reach(files, found)
    return found


def _try_all(
    workers: list[Worker], mutants: list[Mutant], choice: Choice, memory: Memory, *, skip: bool
) -> dict[str, dict[str, Any]]:
    verdicts: dict[str, dict[str, Any]] = {}
    free: Queue[Worker] = Queue()
    for worker in workers:
        free.put(worker)
    said = threading.Lock()

    def trial(mutant: Mutant) -> None:
        verdict = memory.verdict(mutant)
        if verdict is None or (verdict["killer"] is None and not skip):
            rounds = choice.rounds(mutant)
            if rounds:
                worker = free.get()
                try:
                    verdict = worker.ask(
                        vars(mutant)
                        | {"do": "try", "rounds": rounds, "limit": choice.limit(rounds)}
                    )
                finally:
                    free.put(worker)
            else:
                verdict = {"killer": None, "why": ["no test enters it"], "seconds": 0}
            with said:
                memory.keep(mutant, verdict)
        with said:
            verdicts[mutant.name] = verdict
            mark = "SURVIVED" if verdict["killer"] is None else "killed"
            _tell(f"[{len(verdicts)}/{len(mutants)}] {mark}  {mutant.name}")
            _tell(f"        by {verdict['killer']}" if verdict["killer"] else "")

    with ThreadPoolExecutor(len(workers)) as pool:
        for done in [pool.submit(trial, mutant) for mutant in mutants]:
            done.result()
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
