"""Run the demo of one ad, from the first /start to the owner's payment.

The demo starts its own sandbox, presses buttons and checks the database. The exit status is 0 if
every step is as expected.
"""

import argparse
import asyncio
import contextlib
import shutil
import signal
import sys
import time
from pathlib import Path

from sandbox.demo import books, launcher, restarts, table
from sandbox.demo.books import DemoDatabase
from sandbox.demo.errors import Unexpected
from sandbox.demo.people import Control
from sandbox.demo.scenario import Scenario, seed_participants
from sandbox.demo.steps import STEPS


def main() -> None:
    """Run the demo.

    If the demo fails, print the reason and exit with status 1.
    """
    parser = argparse.ArgumentParser(prog="python -m sandbox.demo", description=__doc__)
    parser.add_argument(
        "--kill-scheduler", action="store_true", help="SIGKILL the scheduler between the steps"
    )
    parser.add_argument("--kill-bot", action="store_true", help="SIGKILL the bot between the steps")
    parser.add_argument("--keep", action="store_true", help="keep the folder with data and logs")
    options = parser.parse_args()
    killed = [name for name in ("scheduler", "bot") if getattr(options, f"kill_{name}")]
    raise SystemExit(asyncio.run(_run_until_signal(killed, keep=options.keep)))


async def _run_until_signal(killed: list[str], *, keep: bool) -> int:
    task = asyncio.ensure_future(_in_folder(killed, keep=keep))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    try:
        return await task
    except asyncio.CancelledError:
        print("stopped", file=sys.stderr)
        return 130


async def _in_folder(killed: list[str], *, keep: bool) -> int:
    folder = launcher.new_folder("adtech-demo-")
    try:
        return await _run(folder, killed)
    finally:
        if keep:
            print(f"\ndata and logs: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


async def _run(folder: Path, killed: list[str]) -> int:
    began = time.monotonic()
    print("starting PostgreSQL, Valkey, a Bot API server, the bot and the scheduler", flush=True)
    try:
        world = await launcher.start(folder)
    except Unexpected as error:
        return _print_failure("the start", error, launcher.logs(folder))
    try:
        print(f"ready after {time.monotonic() - began:.1f} s\n", flush=True)
        control = Control.of(world.facts)
        async with control.session:
            return await _run_steps(world, control, killed)
    finally:
        with contextlib.suppress(ProcessLookupError):
            await world.stop()


async def _run_steps(world: launcher.RunningSandbox, control: Control, killed: list[str]) -> int:
    database = DemoDatabase(world.facts["database_url"])
    scenario = Scenario(control, database, await seed_participants(control, world.facts))
    print(table.heading(), flush=True)
    under_way = 0
    for number, step in enumerate(STEPS, 1):
        try:
            if number > 1:
                for name in killed:
                    under_way += await restarts.kill(control, database, name)
            result = await step.act(scenario)
        except Unexpected as error:
            failed_at = f"step {number}, {step.title}"
            return _print_failure(failed_at, error, launcher.logs(world.folder))
        print(table.step_line(number, step.title, result), flush=True)
    for name in killed:
        print(f"\nthe {name} was killed {len(STEPS) - 1} times with SIGKILL and started again")
    if under_way:
        print(f"{under_way} times a post was under way: the kill waited until it was recorded")
    print("\ninvariants: offending rows of those looked at")
    for check in books.INVARIANTS:
        print(table.check_line(await database.check(check)))
    print("\nuniqueness reports")
    for check in books.UNIQUENESS:
        print(table.check_line(await database.check(check)))
    print(f"\nall {len(STEPS)} steps are as they have to be")
    return 0


def _print_failure(failed_at: str, error: Unexpected, logs: list[tuple[str, list[str]]]) -> int:
    print(f"\nFAILED at {failed_at}\n{error}", file=sys.stderr)
    for name, lines in logs:
        print(f"\n--- the end of {name}", *lines, sep="\n", file=sys.stderr)
    return 1


if __name__ == "__main__":
    main()
