"""Keep processes running.

If a process ends by itself, it is started again. If a process was killed on request, it stays
stopped.
"""

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar

from sandbox import processes
from sandbox.startup_errors import CannotStart

RESTART_DELAY = 1.0
"""The delay, in seconds, before a process that ended by itself is started again."""

_STOP_LIMIT = 30.0  # seconds in which a program can finish its work or release its claims
_MAX_FIRST_EXITS = 3
_WRONG_SETTINGS_STATUS = 2  # the exit status of a program whose settings are wrong
_HARMLESS_SIGNALS = frozenset({signal.SIGSTOP, signal.SIGCONT, signal.SIGUSR1, signal.SIGUSR2, 0})
_KILL_LIMIT = 60.0


class Running(Protocol):
    """A started server or program that the supervisor can watch and stop."""

    @property
    def child(self) -> processes.Child:
        """Return the process of the server or program."""

    async def stop(self) -> None:
        """Stop the process if it runs, and release its lock and other resources."""


R = TypeVar("R", bound=Running)


@dataclass(frozen=True)
class Program:
    """A running process of the product (the bot or the scheduler), with its log."""

    child: processes.Child
    log: Path

    async def stop(self) -> None:
        """Ask the process to finish its work and to end, and wait for the end.

        If the process still runs after _STOP_LIMIT seconds, it gets SIGKILL.
        """
        await self.child.stop((signal.SIGTERM, _STOP_LIMIT))


def program(
    name: str, argv: Sequence[str], environment: Mapping[str, str], log: Path
) -> Callable[[], Awaitable[Program]]:
    """Return a function that starts Python with the arguments `argv`.

    The program runs in the folder of its log. Therefore it does not read a file `.env` from the
    current folder of this process.
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
    """A group of processes that are started again if they end by themselves.

    Each process has a name. The caller stops the processes one by one, in the right order.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        """Create a supervisor. It calls `changed` when a process has started or ended."""
        self._services: dict[str, _Service] = {}
        self._changed = changed
        self.startup_complete = False
        """Whether the start of the sandbox is complete, that is, all processes have worked.

        While this is false, a process that ends several times makes the start fail.
        """
        self._failure: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def run(self, name: str, start: Callable[[], Awaitable[R]]) -> R:
        """Start a server or program and return it. If it ends by itself, start it again.

        If the first start raises an error, this function raises the same error.
        """
        service = self._services[name] = _Service(start)
        service.should_run.set()
        running = await start()
        service.running = running
        service.task = asyncio.create_task(self._keep_running(name, service))
        self._changed()
        return running

    async def wait_for_failure(self) -> None:
        """Wait until the supervisor stops restarting a process. Then raise CannotStart.

        This can only happen during the start of the sandbox.
        """
        raise CannotStart(await asyncio.shield(self._failure))

    def pids(self) -> dict[str, int]:
        """Return the process id of each running process, by the name of the process."""
        return {
            name: service.running.child.pid
            for name, service in self._services.items()
            if service.running is not None and service.running.child.returncode is None
        }

    async def kill(self, name: str, number: int) -> None:
        """Send a signal to a process. Raises KeyError for an unknown name.

        If the signal is in _HARMLESS_SIGNALS, nothing more happens. After any other signal, the
        process is not started again, and the function waits up to 60 s for its end.
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
        """Start a process that was killed, and wait until it runs.

        If the process runs already, nothing happens. Raises KeyError for an unknown name.
        """
        service = self._services[name]
        service.should_run.set()
        while service.running is None or service.running.child.returncode is not None:  # noqa: ASYNC110 - rare and short
            await asyncio.sleep(0.02)

    async def stop(self, name: str) -> None:
        """Stop a process and never start it again. If the process was never started, do nothing."""
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
        """Print that a process ended and is started again, or let the start of the sandbox fail.

        The start fails if a process ends too often during the start, or if a process ends with the
        exit status for wrong settings. In this case, nothing is printed.
        """
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
