"""Cause each incident in a product of its own, and repair it with the commands of the runbook.

Print PASS or FAIL for each phase, write `build/drills.md`, and exit with 1 if a drill failed.
"""

import argparse
import asyncio
import shutil
import sys
import time
from pathlib import Path

from sandbox.demo import launcher
from sandbox.demo.errors import Unexpected
from tests.drills import pages, start
from tests.drills.catalogue import DRILLS, LONGEST
from tests.drills.report import Finding, Report, write
from tests.drills.start import Prepared


def main() -> int:
    """Run the chosen drills, by default all, and return the exit status."""
    parser = argparse.ArgumentParser(prog="make drills", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"some of: {', '.join(DRILLS)}")
    parser.add_argument("--jobs", type=int, default=3, help="how many run at the same time")
    options = parser.parse_args()
    names = options.names or list(DRILLS)
    if unknown := [name for name in names if name not in DRILLS]:
        parser.error(f"no such drill: {', '.join(unknown)}. Known: {', '.join(DRILLS)}")
    begun = time.monotonic()
    try:
        reports = asyncio.run(_prepare_and_run(names, jobs=options.jobs))
    except Unexpected as error:
        print(f"the drills cannot begin: {error}", file=sys.stderr)
        return 1
    seconds = time.monotonic() - begun
    write(pages.ROOT / "build" / "drills.md", reports, seconds)
    failed = [report.title for report in reports if not report.passed]
    print(f"{len(reports) - len(failed)} of {len(reports)} drills passed in {seconds:.0f} s")
    for title in failed:
        print(f"FAIL  {title}")
    return 1 if failed else 0


async def _prepare_and_run(names: list[str], *, jobs: int) -> list[Report]:
    """Prepare one product, run each drill in a copy of it, and return their reports in order.

    At most `jobs` drills run at the same time.
    """
    free = asyncio.Semaphore(jobs)
    folder = launcher.new_folder("adtech-drills-")
    try:
        begun = time.monotonic()
        prepared = await start.prepare(folder)
        print(f"a product is prepared after {time.monotonic() - begun:.0f} s", flush=True)

        async def run_when_free(name: str) -> Report:
            async with free:
                return await _run(name, prepared)

        # The long ones begin first, so that none of them runs alone at the end.
        running = {name: asyncio.ensure_future(run_when_free(name)) for name in start_order(names)}
        return await asyncio.gather(*(running[name] for name in names))
    except Unexpected:
        _print_logs(folder)
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def start_order(names: list[str]) -> list[str]:
    """Return the names in the order in which the drills begin: those of LONGEST first."""
    return sorted(names, key=lambda name: name not in LONGEST)


async def _run(name: str, prepared: Prepared) -> Report:
    """Run one drill in a folder of its own."""
    drill = DRILLS[name]
    incident = pages.read()[drill.incident]
    report = Report(name, incident.title)
    folder = launcher.new_folder("adtech-drill-")
    begun = time.monotonic()
    try:
        async with start.open_world(prepared, folder) as world:
            report.count_entries = world.count_entries
            report.add(Finding("start", "the product starts", time.monotonic() - begun))
            await drill.run(world, report)
            async with report.phase("verify", "every command of the incident's page has run"):
                if missed := incident.commands - world.commands:
                    raise Unexpected("all commands run", f"not run: {', '.join(sorted(missed))}")
            ended = time.monotonic()
        report.add(Finding("end", "the product stops", time.monotonic() - ended))
    except Unexpected as error:
        if report.passed or not report.findings:
            report.add(Finding("start", "the product starts", 0, failure=str(error)))
        _print_logs(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return report


def _print_logs(folder: Path) -> None:
    for log, lines in launcher.logs(folder):
        print(f"--- the end of {log}", *lines, sep="\n", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
