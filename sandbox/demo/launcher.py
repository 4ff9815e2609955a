"""Start and stop a sandbox for the demo."""

import asyncio
import json
import os
import signal
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox import processes
from sandbox.demo.errors import Unexpected

READY_LIMIT = 900.0
"""The longest wait for the start of the sandbox, in seconds. A busy machine needs minutes."""

_STOP_LIMIT = 45.0
_POLL_INTERVAL = 0.05
_FOLDERS_OF_PROCESSES = ("log", "postgres/data", "valkey")
"""The current folders of the sandbox's processes, in the folder `local`."""
_LOG_LINES = 15
_KEPT_VARIABLES = frozenset({"PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "LD_LIBRARY_PATH"})


@dataclass(frozen=True)
class RunningSandbox:
    """A running sandbox with its data in the subfolder `local`."""

    child: processes.Child
    folder: Path

    @property
    def facts(self) -> dict[str, Any]:
        """Return the current content of the sandbox's file `world.json`."""
        facts: dict[str, Any] = json.loads((self.folder / "local/world.json").read_text())
        return facts

    async def stop(self) -> int | None:
        """Stop the sandbox with SIGTERM, and return its exit status."""
        await self.child.stop((signal.SIGTERM, _STOP_LIMIT))
        return self.child.returncode

    async def kill(self) -> None:
        """End the sandbox and everything that it has started at once, and wait for their ends.

        Its data must not be used again.
        """
        await self.child.stop((signal.SIGKILL, _STOP_LIMIT))
        for part in _FOLDERS_OF_PROCESSES:
            await processes.until_left(self.folder / "local" / part, _STOP_LIMIT)


def new_folder(prefix: str) -> Path:
    """Create a temporary folder for a sandbox, and return it."""
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    # PostgreSQL may have to run as another user. That user must be able to enter this folder.
    folder.chmod(0o711)
    return folder


def _environment() -> dict[str, str]:
    """Return the environment variables of the sandbox, without settings of the product."""
    return {name: value for name, value in os.environ.items() if name in _KEPT_VARIABLES}


def logs(folder: Path) -> list[tuple[str, list[str]]]:
    """Return the name and the last lines of each log, with the launcher's log first."""
    paths = [folder / "launcher.log", *sorted(folder.glob("local/**/*.log"))]
    return [
        (path.name, path.read_text(errors="replace").splitlines()[-_LOG_LINES:])
        for path in paths
        if path.exists() and path.stat().st_size
    ]


async def start(folder: Path, *options: str, **settings: str) -> RunningSandbox:
    """Start a sandbox in `folder`, and wait until the bot and the scheduler work.

    `options` are further options of `python -m sandbox`. `settings` are settings of the product,
    for example METRICS_PORT. If the start fails, all processes are ended and Unexpected is raised.
    """
    world = RunningSandbox(_spawn(folder, options, settings), folder)
    try:
        await _until_ready(world)
    except BaseException:
        await world.stop()
        raise
    return world


async def _until_ready(world: RunningSandbox) -> None:
    deadline = time.monotonic() + READY_LIMIT
    while not (world.folder / "local/world.json").exists():
        if world.child.returncode is not None:
            last_line = processes.last_line(world.folder / "launcher.log")
            raise Unexpected("the sandbox starts", f"status {world.child.returncode}: {last_line}")
        if time.monotonic() > deadline:
            raise Unexpected("the sandbox is ready", f"not after {READY_LIMIT:.0f} s")
        await asyncio.sleep(_POLL_INTERVAL)


def _spawn(folder: Path, options: tuple[str, ...], settings: dict[str, str]) -> processes.Child:
    # A launcher that was killed may have left this file.
    (folder / "local/world.json").unlink(missing_ok=True)
    # An isolated sandbox would ignore some settings. Without a file, there are only the given ones.
    isolated = [] if settings else ["--isolated"]
    return processes.spawn(
        [
            sys.executable,
            *processes.module("sandbox", *isolated, "--strict", "--local", str(folder / "local")),
            *options,
        ],
        name="sandbox",
        cwd=folder,
        env=_environment() | settings | {"ADTECH_ENV_FILE": os.devnull},
        log=folder / "launcher.log",
        # If the demo itself is killed, the launcher still stops what it has started.
        death_signal=signal.SIGTERM,
    )
