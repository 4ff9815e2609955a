"""Schedulers as processes: started, signalled and mourned through the nursery."""

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
READY_SECONDS = 60


@dataclass
class Worker:
    """One forked scheduler."""

    id: int
    failpoint: Failpoint | None
    pid: int = 0
    reached: str | None = None
    """The failpoint that it reported, right before it signalled itself."""
    signal: int | None = None
    """By which it ended, as the operating system reports it."""
    status: int | None = None
    cpu: float = 0.0
    """Seconds of the processor that it used in its life."""
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)


class Nursery:
    """The other end of `tests.chaos.nursery`."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self._process = process
        self._log = log
        self.points: list[str] = []
        self.ready = asyncio.Event()
        self.workers: dict[int, Worker] = {}
        """Those that live."""
        self._started = 0

    def start(
        self,
        environment: Mapping[str, str],
        failpoint: Failpoint | None = None,
    ) -> Worker:
        """Fork a scheduler with these settings; with a failpoint, it signals itself there."""
        self._started += 1
        worker = Worker(self._started, failpoint)
        self.workers[worker.id] = worker
        self._order(
            {
                "start": worker.id,
                "environment": dict(environment),
                "failpoint": None if failpoint is None else asdict(failpoint),
                "log": str(self._log),
            }
        )
        return worker

    def send(self, worker: Worker, number: int) -> None:
        """Signal a scheduler that has not ended."""
        self._order({"signal": worker.id, "number": number})

    async def stop(self, worker: Worker, number: int, seconds: float = 40) -> None:
        """Signal a scheduler and wait for its end."""
        self.send(worker, number)
        await asyncio.wait_for(worker.ended.wait(), seconds)

    async def read(self) -> None:
        """Take in what happens, for as long as the nursery lives."""
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            self._note(json.loads(line))

    def _note(self, message: dict[str, Any]) -> None:
        if "ready" in message:
            self.points = message["ready"]
            self.ready.set()
            return
        worker = self.workers[message["id"]]
        if "pid" in message:
            worker.pid = message["pid"]
        elif "reached" in message:
            worker.reached = message["reached"]
            worker.arrived.set()
        else:
            worker.signal, worker.status = message["signal"], message["status"]
            worker.cpu = message["cpu"]
            del self.workers[worker.id]
            worker.ended.set()

    def _order(self, order: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order).encode() + b"\n")


@asynccontextmanager
async def nursery(folder: Path) -> AsyncIterator[Nursery]:
    """A nursery, with its children's logs in `folder`; none of them outlives the block."""
    log = folder / "schedulers.log"
    with (folder / "nursery.log").open("ab") as errors:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.chaos.nursery"),
            cwd=ROOT,
            env={"PATH": os.defpath},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
        )
    made = Nursery(process, log)
    reading = asyncio.create_task(made.read())
    try:
        await asyncio.wait_for(made.ready.wait(), READY_SECONDS)
        yield made
    finally:
        if process.stdin is not None:
            process.stdin.close()
        await process.wait()
        await reading
