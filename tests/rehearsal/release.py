"""Start and stop the processes of one release."""

import asyncio
import signal
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

import aiohttp

from sandbox import processes
from sandbox.demo.errors import Unexpected
from sandbox.telegram import ports
from tests.rehearsal.installation import Installation, program
from tests.rehearsal.stopwatch import Stopwatch

BOTS = ("bot-1", "bot-2")
SCHEDULERS = ("scheduler-1", "scheduler-2")
READY_SECONDS = 900.0
LONGEST_DRAIN_SECONDS = 45.0
"""A process that needs longer to stop is killed (`stop_grace_period` in deploy/compose.yml).

The time in which it could run, but all CPUs were busy with other programs, does not count.
"""
_POLL_SECONDS = 0.1


@dataclass
class Process:
    """A running process of a release. A scheduler has the port 0."""

    child: processes.Child
    port: int


@dataclass
class Release:
    """The code of a release, and its running processes."""

    name: str
    tree: Path
    installation: Installation
    running: list[Process] = field(default_factory=list)
    drains: list[float] = field(default_factory=list)
    """How many seconds each process took to stop."""

    async def start(self, *, webhook: bool) -> None:
        """Start two bots and two schedulers, and wait until all of them work."""
        for name in (*BOTS, *SCHEDULERS):
            port = ports.free(0) if name in BOTS else 0
            self.running.append(Process(self._spawn(name, webhook=webhook, port=port), port))
        for process in self.running:
            await self._wait_until_working(process)
            if process.port:
                self.installation.balancer.bots.append(process.port)

    def _spawn(self, name: str, *, webhook: bool, port: int = 0) -> processes.Child:
        service = self.installation.service(name, webhook=webhook, port=port)
        return processes.spawn(
            program(self.tree, service.command),
            name=f"{self.name} {name}",
            cwd=self.tree,
            env=service.environment,
            log=self.installation.folder / f"{self.name}-{name}.log",
        )

    async def _wait_until_working(self, process: Process) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not await self._works(process):
            if process.child.returncode is not None or time.monotonic() > deadline:
                raise Unexpected(
                    f"the {process.child.name} works", f"status {process.child.returncode}"
                )
            await asyncio.sleep(_POLL_SECONDS)

    async def _works(self, process: Process) -> bool:
        """Return whether a bot says that it is ready, or a scheduler has a heartbeat."""
        if not process.port:
            beats = await self.installation.value(
                "SELECT count(*) FROM heartbeats WHERE owner LIKE $1",
                f"scheduler-{process.child.pid}-%",
            )
            return bool(beats)
        url = f"http://{ports.HOST}:{process.port}/api/health/ready"
        try:
            async with aiohttp.ClientSession() as http, http.get(url) as answer:
                return answer.status == HTTPStatus.OK
        except aiohttp.ClientError:
            return False

    async def drain(self) -> None:
        """Stop the bots one after the other, and at the same time the schedulers.

        Raises Unexpected if one does not stop in time, or not with status 0.
        """
        bots = [process for process in self.running if process.port]
        schedulers = [process for process in self.running if not process.port]
        async with asyncio.TaskGroup() as at_once:
            at_once.create_task(self._stop_in_turn(bots))
            at_once.create_task(self._stop_in_turn(schedulers))

    async def _stop_in_turn(self, stopping: list[Process]) -> None:
        for process in stopping:
            if process.port:
                self.installation.balancer.bots.remove(process.port)
            status = await self._stop(process.child)
            if status != 0:
                raise Unexpected(f"{process.child.name} stops gently", f"status {status}")
            self.running.remove(process)

    async def _stop(self, child: processes.Child) -> int | None:
        """Ask a process to stop, and return its exit status, or None if it takes too long."""
        watch = Stopwatch(child.pid)
        child.send(signal.SIGTERM)
        while not watch.is_over(LONGEST_DRAIN_SECONDS):
            if (status := await child.wait(_POLL_SECONDS)) is not None:
                self.drains.append(watch.seconds)
                return status
        return None

    async def kill(self) -> None:
        """End all processes that still run."""
        for process in self.running:
            await process.child.stop((signal.SIGKILL, 1))
        self.running.clear()

    async def run_once(self, service: str, *arguments: str, environment: dict[str, str]) -> str:
        """Run a service's program to its end, and return its output.

        Without `arguments`, the command is that of the service. Raises Unexpected if the exit
        status is not 0.
        """
        found = self.installation.service(service, webhook=False)
        command = [found.command[0], *arguments] if arguments else found.command
        log = self.installation.folder / f"{self.name}-{service}.log"
        log.unlink(missing_ok=True)
        child = processes.spawn(
            program(self.tree, command),
            name=f"{self.name} {service}",
            cwd=self.tree,
            env=found.environment | environment,
            log=log,
        )
        status = await child.wait(READY_SECONDS)
        output = log.read_text()
        if status != 0:
            raise Unexpected(f"{' '.join(command)} ends with status 0", f"{status}: {output}")
        return output
