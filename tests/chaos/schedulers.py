"""Start schedulers and send signals to them through the fork server."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.chaos.failpoints import Failpoint

ROOT = Path(__file__).parents[2]
READY_SECONDS = 180


@dataclass
class Scheduler:
    """A scheduler process, with the facts about its end."""

    id: int
    failpoint: Failpoint | None
    pid: int = 0
    reached: str | None = None
    """The failpoint that the process has reached, or None."""
    signal: int | None = None
    """The number of the signal that ended the process, or None."""
    status: int | None = None
    cpu_seconds: float = 0.0
    """The CPU time that the process used, in seconds."""
    failpoint_reached: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)


class ForkServerClient:
    """A client of the process that forks all schedulers of a run."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self._process = process
        self._log = log
        self.points: list[str] = []
        """The names of all failpoints of the product, except for those of removals."""
        self.removal_points: list[str] = []
        self.ready = asyncio.Event()
        self.running: dict[int, Scheduler] = {}
        """The running schedulers by id."""
        self._started = 0

    def start(
        self,
        settings: Mapping[str, str],
        failpoint: Failpoint | None = None,
    ) -> Scheduler:
        """Start a scheduler, which sends a signal to itself at the failpoint."""
        self._started += 1
        scheduler = Scheduler(self._started, failpoint)
        self.running[scheduler.id] = scheduler
        self._send_command(
            {
                "start": scheduler.id,
                "settings": dict(settings),
                "failpoint": None if failpoint is None else asdict(failpoint),
                "log": str(self._log),
            }
        )
        return scheduler

    def send(self, scheduler: Scheduler, number: int) -> None:
        """Send a signal to a running scheduler."""
        self._send_command({"signal": scheduler.id, "number": number})

    async def stop(self, scheduler: Scheduler, number: int, seconds: float = 40) -> None:
        """Send a signal to a scheduler, and wait for its end.

        Raises TimeoutError if the scheduler has not ended after `seconds`.
        """
        self.send(scheduler, number)
        await asyncio.wait_for(scheduler.ended.wait(), seconds)

    async def read_reports(self) -> None:
        """Handle all reports about schedulers, until the fork server ends."""
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            self._handle(json.loads(line))

    def _handle(self, report: dict[str, Any]) -> None:
        if "ready" in report:
            self.points = report["ready"]
            self.removal_points = report["removal_points"]
            self.ready.set()
            return
        scheduler = self.running[report["id"]]
        if "pid" in report:
            scheduler.pid = report["pid"]
        elif "reached" in report:
            scheduler.reached = report["reached"]
            scheduler.failpoint_reached.set()
        else:
            scheduler.signal, scheduler.status = report["signal"], report["status"]
            scheduler.cpu_seconds = report["cpu_seconds"]
            del self.running[scheduler.id]
            scheduler.ended.set()

    def _send_command(self, command: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command).encode() + b"\n")


@asynccontextmanager
async def run_fork_server(folder: Path) -> AsyncIterator[ForkServerClient]:
    """Run a fork server with its logs in `folder`, and yield its client."""
    with (folder / "fork_server.log").open("ab") as errors:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.chaos.fork_server"),
            cwd=ROOT,
            env={"PATH": os.defpath},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
        )
    client = ForkServerClient(process, folder / "schedulers.log")
    reading = asyncio.create_task(client.read_reports())
    try:
        await asyncio.wait_for(client.ready.wait(), READY_SECONDS)
        yield client
    finally:
        if process.stdin is not None:
            process.stdin.close()
        await process.wait()
        await reading
