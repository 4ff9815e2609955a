"""Cause an incident of the runbook, so that a person can find it and repair it.

The product, the incident and the checks are those of the drill. Without a name, an incident is
chosen that is not named before the end.
"""

import argparse
import asyncio
import os
import random
import shutil
import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.demo import launcher
from sandbox.demo.errors import Unexpected
from tests.drills import checks, desk, pages, service, start
from tests.drills.catalogue import DRILLS
from tests.drills.drill import Drill
from tests.drills.world import World

RANDOM = "random"
PASS, FAIL = "PASS", "FAIL"
REFUSED = 2
"""The exit status if there is no exercise."""
MINUTES = 30
"""How long an exercise lasts, if nobody ends it before."""
_SAME_PRESS = 0.5
"""Seconds in which several signals count as one press of Ctrl-C, because make passes them on."""
_CHECK_LIMIT = 30.0
"""How long one check may last, in seconds. The drill is more patient, because it repairs too."""


@dataclass
class Ending:
    """The end of an exercise, which signals ask for.

    The first press of Ctrl-C ends the exercise with its checks. A second press, and one before the
    incident is caused, ends it at once.
    """

    asked: asyncio.Event = field(default_factory=asyncio.Event)
    caused: bool = False
    task: asyncio.Task[int] | None = None
    _first: float = 0.0

    def press(self) -> None:
        """Note a signal."""
        now = time.monotonic()
        if self.caused and (not self.asked.is_set() or now - self._first < _SAME_PRESS):
            self._first = self._first or now
            self.asked.set()
        elif self.task is not None:
            self.task.cancel()


def main() -> int:
    """Run an exercise until Ctrl-C, or let a running one reveal its incident."""
    parser = argparse.ArgumentParser(prog="make exercise", description=__doc__)
    parser.add_argument("name", nargs="?", default=RANDOM, help=f"{RANDOM}, {', '.join(DRILLS)}")
    parser.add_argument("--seed", type=int, help="choose the same incident again")
    parser.add_argument(
        "--reveal", type=Path, metavar="FOLDER", help="say what it is, and check the repair"
    )
    parser.add_argument(
        "--minutes", type=_positive, default=MINUTES, help="end it after so long (default: 30)"
    )
    options = parser.parse_args()
    if options.reveal is not None:
        return _reveal(options.reveal)
    if options.name not in (RANDOM, *DRILLS):
        parser.error(f"no such incident: {options.name}. Known: {', '.join(DRILLS)}")
    name = choose(options.seed) if options.name == RANDOM else options.name
    return asyncio.run(_run_until_signal(name, options.minutes))


def _positive(value: str) -> int:
    """Read a number of minutes. Raises ArgumentTypeError for another text."""
    if value.isascii() and value.isdecimal() and int(value) > 0:
        return int(value)
    raise argparse.ArgumentTypeError(f"{value!r} is no number of minutes. Write for example 30")


def choose(seed: int | None) -> str:
    """Return the name of one of the drills."""
    return random.Random(seed).choice(list(DRILLS))


def _reveal(folder: Path) -> int:
    try:
        said = service.ask(desk.socket_of(folder), service.REVEAL)
    except OSError:
        print(f"no exercise runs in {folder}", file=sys.stderr)
        return REFUSED
    print(said, end="")
    return 1 if FAIL in said else 0


async def _run_until_signal(name: str, minutes: int) -> int:
    ending = Ending()
    ending.task = asyncio.ensure_future(_run(name, ending, minutes))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ending.press)
    try:
        return await ending.task
    except asyncio.CancelledError:
        print("ended without its checks", file=sys.stderr)
        return 130
    except Unexpected as error:
        print(f"the exercise cannot begin: {error}", file=sys.stderr)
        return REFUSED


async def _run(name: str, ending: Ending, minutes: int) -> int:
    """Prepare a product, lead an exercise in it, and remove everything. Return the exit status."""
    prepared, folder = launcher.new_folder("adtech-prepared-"), launcher.new_folder("adtech-")
    print(
        "preparing a product: two minutes, and up to five on a busy machine"
        f" (Ctrl-C, or kill -INT {os.getpid()}, ends it)",
        flush=True,
    )
    try:
        product = await start.prepare(prepared)
        async with start.open_world(product, folder) as world:
            shutil.rmtree(prepared, ignore_errors=True)
            return await lead(name, world, ending, minutes)
    finally:
        for each in (prepared, folder):
            shutil.rmtree(each, ignore_errors=True)


async def lead(name: str, world: World, ending: Ending, minutes: int = MINUTES) -> int:
    """Cause an incident in a product, wait for the end of the exercise, and check the repair.

    It ends when a signal asks for it, at the latest after some minutes.
    """
    drill = DRILLS[name]
    desk.prepare(world)
    await world.shell("adtech backup FILE", file=world.backups)
    world.since = await world.group.version()
    await drill.trigger(world)
    began, ending.caused = time.monotonic(), True
    said = ""

    async def reveal() -> str:
        return await report(name, drill, world, began)

    async with service.serve(desk.socket_of(world.sandbox.folder), world, reveal):
        print(desk.facts(world, drill.complaint, minutes), flush=True)
        await wait_for_end(ending, minutes)
        said = await reveal()
        print(said, flush=True)
    print("removing everything", flush=True)
    return 1 if FAIL in said else 0


async def wait_for_end(ending: Ending, minutes: float) -> None:
    """Wait until a signal asks for the end, and print a line if the time is over before that."""
    try:
        async with asyncio.timeout(minutes * 60):
            await ending.asked.wait()
    except TimeoutError:
        print(f"The time is over: {minutes:g} minutes. This is what it was:", flush=True)


async def report(name: str, drill: Drill, world: World, began: float) -> str:
    """Check the repair. Return the incident and a line for each check."""
    incident = pages.read()[drill.incident]
    lines = [f"It was {name}: {incident.title}.", f"What was done: {drill.cause}."]
    for check in drill.checks:
        try:
            async with asyncio.timeout(_CHECK_LIMIT):
                failure = await checks.hold(check, world)
        except TimeoutError:
            failure = f"no answer within {_CHECK_LIMIT:.0f} s"
        seconds = time.monotonic() - began
        lines.append(f"{FAIL if failure else PASS}  {seconds:6.0f} s  {check.what}")
        if failure:
            lines += [f"{'':<16}{line}" for line in failure.splitlines()]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
