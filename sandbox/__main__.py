"""Run the whole product on this machine with `python -m sandbox`.

All data is in one folder.
"""

import argparse
import asyncio
import contextlib
import os
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import BinaryIO

from db import address
from sandbox import environment, status
from sandbox.environment import EnvironmentSettings
from sandbox.launch import Launch
from sandbox.simulation import Simulation
from sandbox.telegram import folder_lock
from sandbox.telegram.startup_errors import CannotStart

_SAME_PRESS = 0.5  # seconds in which several signals count as one press of Ctrl-C
_SUMMARY = "Runs the bot, the scheduler and everything they need; the data stays in one folder."


def main() -> None:
    """Run the sandbox until a signal stops it.

    If the sandbox cannot start, print one line on stderr and exit with status 2.
    """
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=_SUMMARY)
    parser.add_argument("--local", type=Path, default=Path(".local"), help="folder for all data")
    parser.add_argument("--port", type=int, default=0, help="port of the page (default: any)")
    parser.add_argument(
        "--bot-api-url", default="", help="where the bot finds Telegram (default: on that port)"
    )
    parser.add_argument(
        "--strict", action="store_true", help="refuse unknown fields, which Telegram ignores"
    )
    parser.add_argument("--no-bot", action="store_true", help="without bot and scheduler")
    parser.add_argument(
        "--redirect", action="store_true", help="with the redirect of tracked links"
    )
    parser.add_argument(
        "--first-world",
        action="store_true",
        help="begin a new folder with channels on offer and an advertiser with money",
    )
    parser.add_argument(
        "--isolated", action="store_true", help="ignore settings that lead out of the sandbox"
    )
    try:
        asyncio.run(_run_until_signal(parser.parse_args()))
    except CannotStart as error:
        print(f"sandbox: {error}", file=sys.stderr)
        raise SystemExit(2) from error


async def _run_until_signal(options: argparse.Namespace) -> None:
    """Run the sandbox until SIGINT or SIGTERM, and stop all parts in order."""
    task = asyncio.ensure_future(_run(options))
    signal_times: list[float] = []

    def stop(number: int) -> None:
        signal_times.append(time.monotonic())
        if task.cancelling():
            # `make` sends the signal to this process too. Therefore one press can send two signals.
            if signal_times[-1] - signal_times[0] > _SAME_PRESS:
                os._exit(128 + number)
            return
        print("stopping… (once more to kill everything)", flush=True)
        task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop, number)
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def _run(options: argparse.Namespace) -> None:
    address.ignore_libpq_settings()
    settings = environment.read(isolated=options.isolated)
    settings.check()
    # PostgreSQL may have to run as another user. That user may enter the folder but not list it.
    with _lock(options.local):
        folder = options.local.resolve()
        while True:
            await _run_one_world(folder, settings, options)
            print("starting over with a new world", flush=True)
            _remove_world(folder)


async def _run_one_world(
    folder: Path, settings: EnvironmentSettings, options: argparse.Namespace
) -> None:
    """Run all parts until the page asks to start over. Raises CannotStart if the start fails."""
    simulation = None
    if not settings.real_telegram:
        simulation = Simulation(
            *(folder, options.port, options.bot_api_url),
            strict=options.strict,
            with_first_world=options.first_world,
        )
    launch = Launch(folder, settings, simulation, with_redirect=options.redirect)
    asked = asyncio.ensure_future(launch.start_over_asked.wait())
    try:
        await launch.start(with_bot=not options.no_bot)
        failed = asyncio.ensure_future(launch.supervisor.wait_for_failure())
        done, _ = await asyncio.wait({asked, failed}, return_when=asyncio.FIRST_COMPLETED)
        if failed in done:
            failed.result()
        failed.cancel()
    finally:
        asked.cancel()
        await launch.stop()


def _remove_world(folder: Path) -> None:
    """Remove the data of a stopped world. The tokens and the port stay, and so does the page."""
    for name in ("postgres", "valkey", "telegram"):
        shutil.rmtree(folder / name, ignore_errors=True)
    for name in ("links.jsonl", "audit-chain.jsonl"):
        (folder / name).unlink(missing_ok=True)


def _lock(folder: Path) -> BinaryIO:
    """Lock the folder for all data. If a sandbox runs there, the error names its page."""
    try:
        return folder_lock.lock(folder, mode=0o711)
    except CannotStart as error:
        world = status.read_world(folder) or {}
        if "page_url" not in world:
            raise
        raise CannotStart(f"{error}: {world['page_url']}") from error


if __name__ == "__main__":
    main()
