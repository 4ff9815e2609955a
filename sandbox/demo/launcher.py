"""A sandbox of the demo's own: started as `python -m sandbox`, stopped, and taken away."""

import asyncio
import json
import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox import processes
from sandbox.demo.surprise import Unexpected

READY_LIMIT = 300.0
"""Seconds from the start until everything works; 10 to 15 are usual, a busy machine takes more."""

_STOP_LIMIT = 45.0
_LOOK = 0.05
_TAIL = 15
_KEPT = frozenset({"PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "LD_LIBRARY_PATH"})
_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class World:
    """A running sandbox whose data is in `folder`/local."""

    child: processes.Child
    folder: Path

    @property
    def facts(self) -> dict[str, Any]:
        """What the launcher says of it now: addresses, people, process ids."""
        facts: dict[str, Any] = json.loads((self.folder / "local/world.json").read_text())
        return facts

    async def stop(self) -> int | None:
        """Stop it as a person would; the launcher's exit status."""
        await self.child.stop((signal.SIGTERM, _STOP_LIMIT))
        return self.child.returncode


def _environment() -> dict[str, str]:
    """Enough to run programs: whatever the product is set to outside, the story stays the same."""
    kept = {name: value for name, value in os.environ.items() if name in _KEPT}
    return kept | {"PYTHONPATH": str(_ROOT), "PYTHONUNBUFFERED": "1"}


def logs(folder: Path) -> list[tuple[str, list[str]]]:
    """The last lines of each process's log, the launcher's first."""
    paths = [folder / "launcher.log", *sorted(folder.glob("local/**/*.log"))]
    return [
        (path.name, path.read_text(errors="replace").splitlines()[-_TAIL:])
        for path in paths
        if path.exists() and path.stat().st_size
    ]


async def start(folder: Path) -> World:
    """Start a sandbox on `folder` and wait until bot and scheduler work.

    Raises Unexpected when it does not come up; then
    nothing of it is left running.
    """
    world = World(_spawn(folder), folder)
    try:
        await _until_ready(world)
    except BaseException:
        await world.stop()
        raise
    return world


async def _until_ready(world: World) -> None:
    deadline = time.monotonic() + READY_LIMIT
    while not (world.folder / "local/world.json").exists():
        if world.child.returncode is not None:
            said = processes.last_line(world.folder / "launcher.log")
            raise Unexpected("the sandbox starts", f"status {world.child.returncode}: {said}")
        if time.monotonic() > deadline:
            raise Unexpected("the sandbox is ready", f"not after {READY_LIMIT:.0f} s")
        await asyncio.sleep(_LOOK)


def _spawn(folder: Path) -> processes.Child:
    # What a launcher that was killed has left there is not this one's word.
    (folder / "local/world.json").unlink(missing_ok=True)
    return processes.spawn(
        [sys.executable, "-m", "sandbox", "--isolated", "--local", folder / "local"],
        name="sandbox",
        cwd=folder,
        env=_environment(),
        log=folder / "launcher.log",
        # Should the demo itself be killed, the launcher still takes down what it has started.
        death_signal=signal.SIGTERM,
    )
