"""Cause each incident in a product of its own, and repair it with the commands of the runbook.

Print PASS or FAIL for each phase, write `build/drills.md`, and exit with 1 if a drill failed.
"""

import argparse
import asyncio
import shutil
import sys
import time
from collections.abc import Awaitable, Callable

from sandbox.demo import launcher
from sandbox.demo.errors import Unexpected
from tests.drills import dead_processes, money, outages, pages
from tests.drills.report import Report, write
from tests.drills.world import World, open_world

Act = Callable[[World, Report], Awaitable[None]]
DRILLS: dict[str, Act] = {
    act.__name__: act
    for act in (
        money.ledger_violation,
        outages.escrow_stuck,
        money.wallet_mismatch,
        outages.telegram_outage,
        outages.redis_outage,
        outages.crash_loop,
        money.partial_payout,
        dead_processes.dead_scheduler,
        dead_processes.dead_bot,
    )
}
"""The drills by the names of their incidents in `docs/incidents.toml`."""


def main() -> int:
    """Run the chosen drills, by default all, and return the exit status."""
    parser = argparse.ArgumentParser(prog="make drills", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"some of: {', '.join(DRILLS)}")
    parser.add_argument("--jobs", type=int, default=2, help="how many run at the same time")
    options = parser.parse_args()
    names = options.names or list(DRILLS)
    if unknown := [name for name in names if name not in DRILLS]:
        parser.error(f"no such drill: {', '.join(unknown)}. Known: {', '.join(DRILLS)}")
    begun = time.monotonic()
    reports = asyncio.run(_run_all(names, jobs=options.jobs))
    seconds = time.monotonic() - begun
    write(pages.ROOT / "build" / "drills.md", reports, seconds)
    failed = [report.title for report in reports if not report.passed]
    print(f"{len(reports) - len(failed)} of {len(reports)} drills passed in {seconds:.0f} s")
    for title in failed:
        print(f"FAIL  {title}")
    return 1 if failed else 0


async def _run_all(names: list[str], *, jobs: int) -> list[Report]:
    """Run drills, at most `jobs` at the same time, and return their reports in order."""
    free = asyncio.Semaphore(jobs)

    async def run_when_free(name: str) -> Report:
        async with free:
            return await _run(name)

    return await asyncio.gather(*map(run_when_free, names))


async def _run(name: str) -> Report:
    """Run one drill in a folder of its own."""
    incident = pages.read()[name]
    report = Report(name, incident.title)
    folder = launcher.new_folder("adtech-drill-")
    try:
        async with open_world(folder) as world:
            await DRILLS[name](world, report)
            row = await world.books.row("SELECT count(*) AS n FROM ledger_entries")
            report.ledger_entries = row["n"]
            with report.phase("verify", "every command of the incident's page has run"):
                if missed := incident.commands - world.commands:
                    raise Unexpected("all commands run", f"not run: {', '.join(sorted(missed))}")
    except Unexpected as error:
        if report.passed or not report.findings:
            report.add("trigger", "the product starts", 0, error)
        for log, lines in launcher.logs(folder):
            print(f"--- the end of {log}", *lines, sep="\n", file=sys.stderr)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return report


if __name__ == "__main__":
    sys.exit(main())
