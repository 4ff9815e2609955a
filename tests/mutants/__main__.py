"""Remove every guard of the services and the database, one at a time. A test must fail each time.

A guard is a lock, or a check that refuses. A mutant is the product without one guard. A mutant
survives if no test fails on it. The program prints each mutant with the test that failed. The
program ends with status 1 if a mutant survives. Results are kept in `build/mutants/`, so that an
interrupted run can continue. Mutants that survived run again in the next run.
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
from tests.mutants.cache import Cache
from tests.mutants.mutant import Mutant
from tests.mutants.pool import Pool
from tests.mutants.recorder import Recorder
from tests.mutants.selection import Selection

ROOT = Path(__file__).parents[2]


def main() -> int:
    """Test the selected mutants. Return 1 if a mutant survived, else 0."""
    options = _options()
    # sys.exit runs the `finally` blocks, which stop the servers.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    begun = time.monotonic()
    cache = Cache(ROOT / "build/mutants", fresh=options.fresh)
    with tempfile.TemporaryDirectory(prefix="adtech-mutants-", dir=scratch.folder()) as folder:
        pool = Pool(ROOT, Path(folder), options.jobs)
        try:
            mutants = _list_mutants(pool, options.only)
            if options.list:
                for mutant in mutants:
                    _print(mutant.name)
                return 0
            verdicts = _run_mutants(pool, mutants, cache, skip_known=options.known)
        finally:
            pool.stop()
    return _summary(mutants, verdicts, time.monotonic() - begun)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--only", default="", help="a regular expression on mutants' names")
    parser.add_argument("--jobs", type=int, default=2, help="mutants that run at the same time")
    parser.add_argument("--list", action="store_true", help="only list the mutants")
    parser.add_argument("--fresh", action="store_true", help="delete the results of earlier runs")
    parser.add_argument(
        "--known", action="store_true", help="do not run survivors of an earlier run again"
    )
    return parser.parse_args()


def _list_mutants(pool: Pool, only: str) -> list[Mutant]:
    mutants = [Mutant(**row) for row in pool.run({"do": "list"})["mutants"]]
    return [mutant for mutant in mutants if re.search(only, mutant.name)]


def _run_mutants(
    pool: Pool, mutants: list[Mutant], cache: Cache, *, skip_known: bool
) -> dict[str, dict[str, Any]]:
    """Run each mutant against its first files of tests, then the rest against more, and so on."""
    verdicts: dict[str, dict[str, Any]] = {}
    selection, recorder = Selection(ROOT), Recorder(ROOT, pool, cache)

    def end(mutant: Mutant, verdict: dict[str, Any]) -> None:
        verdicts[mutant.name] = verdict
        result = "SURVIVED" if verdict["killer"] is None else "killed"
        _print(f"[{len(verdicts)}/{len(mutants)}] {result}  {mutant.name}")
        if verdict["killer"]:
            _print(f"        by {verdict['killer']}")

    for mutant in mutants:
        known = cache.verdict(mutant)
        if known is not None and (known["killer"] is not None or skip_known):
            end(mutant, known)
    left = [mutant for mutant in mutants if mutant.name not in verdicts]
    batches = {mutant.name: selection.batches(mutant) for mutant in left}
    latest: dict[str, dict[str, Any]] = {}

    def run_next(mutant: Mutant) -> None:
        verdict = latest.get(mutant.name, {"killer": None, "why": ["no test enters it"]})
        files = next(batches[mutant.name], None)
        if files is not None:
            verdict = _run_files(pool, mutant, files, selection, recorder) or verdict
        latest[mutant.name] = verdict
        if files is None or verdict["killer"] is not None:
            with pool.lock:
                cache.add_verdict(mutant, verdict)
                end(mutant, verdict)

    while left:
        pool.run_all(run_next, left)
        left = [mutant for mutant in left if mutant.name not in verdicts]
    return verdicts


def _run_files(
    pool: Pool, mutant: Mutant, files: list[str], selection: Selection, recorder: Recorder
) -> dict[str, Any] | None:
    """Run the tests of some files for a mutant. Return None if there is no test for it in them."""
    recorded = recorder.record(files)
    tests = selection.tests(mutant, recorded)
    if not tests:
        return None
    limit = selection.limit(tests, recorded)
    return pool.run(vars(mutant) | {"do": "run", "tests": tests, "limit": limit})


def _summary(mutants: list[Mutant], verdicts: dict[str, dict[str, Any]], seconds: float) -> int:
    survivors = [mutant for mutant in mutants if verdicts[mutant.name]["killer"] is None]
    kinds = Counter(mutant.kind for mutant in mutants)
    alive = Counter(mutant.kind for mutant in survivors)
    for kind, number in kinds.most_common():
        _print(f"{kind:<18}{number - alive[kind]:>5} of {number} killed")
    for mutant in survivors:
        _print(f"SURVIVED  {mutant.name} {' '.join(verdicts[mutant.name]['why'])}")
    _print(f"{len(mutants) - len(survivors)} of {len(mutants)} mutants killed in {seconds:.0f} s")
    return 1 if survivors else 0


def _print(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
