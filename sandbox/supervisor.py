"""Start processes again if they end by themselves."""

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar

from sandbox import processes
from sandbox.telegram.startup_errors import CannotStart

RESTART_DELAY = 1.0
"""The seconds between the end of a process and its restart."""

_STOP_LIMIT = 30.0  # seconds in which a program can finish its work or release its claims
_MAX_FIRST_EXITS = 3
_WRONG_SETTINGS_STATUS = 2  # the exit status of a program whose settings are wrong
_HARMLESS_SIGNALS = frozenset({signal.SIGSTOP, signal.SIGCONT, signal.SIGUSR1, signal.SIGUSR2, 0})
_KILL_LIMIT = 60.0


class Running(Protocol):
    """A started server or program that the supervisor can stop."""

    @property
    def child(self) -> processes.Child:
        """Return the process of the server or program."""

    async def stop(self) -> None:
        """Stop the process if it runs, and release its resources."""


R = TypeVar("R", bound=Running)


@dataclass(frozen=True)
class Program:
    """A running bot or scheduler process, with its log."""

    child: processes.Child
    log: Path

    async def stop(self) -> None:
        """Ask the process to end, and wait for the end.

        If the process still runs after _STOP_LIMIT seconds, it gets SIGKILL.
        """
        await self.child.stop((signal.SIGTERM, _STOP_LIMIT))


def program(
    name: str, argv: Sequence[str], environment: Mapping[str, str], log: Path
) -> Callable[[], Awaitable[Program]]:
    """Return a function that starts Python with the arguments `argv`.

    The program's current folder is the folder of `log`.
    """

    async def start() -> Program:
        child = processes.spawn(
            [sys.executable, *argv], name=name, cwd=log.parent, env=environment, log=log
        )
        return Program(child, log)

    return start


@dataclass
class _Service:
    start: Callable[[], Awaitable[Running]]
    running: Running | None = None
    should_run: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None
    exits: int = 0


class Supervisor:
    """A group of named processes that are started again if they end by themselves."""

    def __init__(self, changed: Callable[[], None]) -> None:
        """Create a supervisor that calls `changed` when a process has started or ended."""
        self._services: dict[str, _Service] = {}
        self._changed = changed
        self.startup_complete = False
        """Whether the start of the sandbox is complete."""
        self._failure: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def run(self, name: str, start: Callable[[], Awaitable[R]]) -> R:
        """Start a server or program and return it. If it ends by itself, start it again."""
        service = self._services[name] = _Service(start)
        service.should_run.set()
        running = await start()
        service.running = running
        service.task = asyncio.create_task(self._keep_running(name, service))
        self._changed()
        return running

    async def wait_for_failure(self) -> None:
        """Wait until the start of the sandbox fails, and raise CannotStart."""
        raise CannotStart(await asyncio.shield(self._failure))

    def pids(self) -> dict[str, int]:
        """Return the process ids of the running processes, by name."""
        return {
            name: service.running.child.pid
            for name, service in self._services.items()
            if service.running is not None and service.running.child.returncode is None
        }

    async def kill(self, name: str, number: int) -> None:
        """Send a signal to a process, or raise KeyError for an unknown name.

        After a signal that is not in _HARMLESS_SIGNALS, the process stays stopped. The function
        then waits up to 60 s for the end of the process.
        """
        service = self._services[name]
        if number not in _HARMLESS_SIGNALS:
            service.should_run.clear()
        if service.running is not None:
            child = service.running.child
            child.send(number)
            if number not in _HARMLESS_SIGNALS:
                await child.wait(_KILL_LIMIT)

    async def start(self, name: str) -> None:
        """Start a killed process, and wait until it runs. Raises KeyError for an unknown name."""
        service = self._services[name]
        service.should_run.set()
        while service.running is None or service.running.child.returncode is not None:  # noqa: ASYNC110 - rare and short
            await asyncio.sleep(0.02)

    async def stop(self, name: str) -> None:
        """Stop a process for good, or do nothing for an unknown name."""
        service = self._services.pop(name, None)
        if service is None:
            return
        if service.task is not None:
            service.task.cancel()
            await asyncio.gather(service.task, return_exceptions=True)
        if service.running is not None:
            await service.running.stop()
        self._changed()

    async def _keep_running(self, name: str, service: _Service) -> None:
        while True:
            if service.running is not None:
                status = await service.running.child.wait()
                ended, service.running = service.running, None
                await ended.stop()
                self._changed()
                if service.should_run.is_set():
                    self._report_exit(name, service, ended, status or 0)
                    await asyncio.sleep(RESTART_DELAY)
            await service.should_run.wait()
            try:
                service.running = await service.start()
            except (CannotStart, OSError) as error:
                _print_error(f"{name}: {error}")
                await asyncio.sleep(RESTART_DELAY)
            else:
                self._changed()

    def _report_exit(self, name: str, service: _Service, ended: Running, status: int) -> None:
        """Print that a process ended, or let the start of the sandbox fail."""
        ending = f"by {signal.Signals(-status).name}" if status < 0 else f"with status {status}"
        service.exits += 1
        gives_up = not self.startup_complete and (
            service.exits >= _MAX_FIRST_EXITS or status == _WRONG_SETTINGS_STATUS
        )
        if not gives_up:
            _print_error(f"{name} ended {ending}, it is started again")
        elif not self._failure.done():
            reason = processes.last_line(ended.log) if isinstance(ended, Program) else ""
            self._failure.set_result(f"{name} ended {ending}: {reason}")


def _print_error(line: str) -> None:
    print(f"sandbox: {line}", file=sys.stderr, flush=True)
