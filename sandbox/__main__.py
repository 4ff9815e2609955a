"""`python -m sandbox`: the whole product on this machine, with one command.

PostgreSQL, Valkey, a Bot API server of our own, the bot and the scheduler; all data in one
folder. Nothing of it outlives this process.
"""

import argparse
import asyncio
import contextlib
import os
import signal
import sys
import time
from pathlib import Path

from sandbox import environment, folders
from sandbox.launch import Launch
from sandbox.simulation import Simulation
from sandbox.startup_errors import CannotStart

_ONE_PRESS = 0.5  # seconds
_SUMMARY = "Runs the bot, the scheduler and everything they need; the data stays in one folder."


def main() -> None:
    """Run until told to stop; exit status 2, with one line on stderr, for what cannot be."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=_SUMMARY)
    parser.add_argument("--local", type=Path, default=Path(".local"), help="folder for all data")
    parser.add_argument("--port", type=int, default=0, help="port of the page (default: any)")
    parser.add_argument("--no-bot", action="store_true", help="without bot and scheduler")
    parser.add_argument(
        "--isolated", action="store_true", help="ignore settings that lead out of the sandbox"
    )
    try:
        asyncio.run(_until_told(parser.parse_args()))
    except CannotStart as error:
        print(f"sandbox: {error}", file=sys.stderr)
        raise SystemExit(2) from error


async def _until_told(options: argparse.Namespace) -> None:
    """Run until SIGINT or SIGTERM. A second press ends us at once, and by that all children."""
    task = asyncio.ensure_future(_run(options))
    told: list[float] = []

    def stop(number: int) -> None:
        told.append(time.monotonic())
        if task.cancelling():
            # make passes its own signal on: two at the same moment are one press.
            if told[-1] - told[0] > _ONE_PRESS:
                os._exit(128 + number)
            return
        print("stopping… (once more to kill everything)", flush=True)
        task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop, number)
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def _run(options: argparse.Namespace) -> None:
    given = environment.read(isolated=options.isolated)
    given.check()
    # Another user may pass through, where PostgreSQL has to be one, but not look around.
    with folders.lock(options.local, mode=0o711):
        folder = options.local.resolve()
        simulation = None if given.telegram else Simulation(folder, options.port)
        launch = Launch(folder, given, simulation)
        try:
            await launch.start(with_bot=not options.no_bot)
            await launch.supervisor.until_hopeless()
        finally:
            await launch.stop()


if __name__ == "__main__":
    main()
