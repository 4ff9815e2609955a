"""Keeps processes running: what dies is started again, what is told to stay down stays down."""

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar

from sandbox import processes
from sandbox.startup_errors import CannotStart

PAUSE = 1.0
"""Seconds before a process that died is started again."""

_GRACE = 30.0  # seconds in which the bot and the scheduler finish or hand back their work
_FIRST_TRIES = 3
_WRONG_SETTINGS = 2  # the exit status that says so
_HARMLESS = frozenset({signal.SIGSTOP, signal.SIGCONT, signal.SIGUSR1, signal.SIGUSR2, 0})
_KILL_LIMIT = 60.0


class Running(Protocol):
    """A started server or program."""

    @property
    def child(self) -> processes.Child:
        """Its process."""

    async def stop(self) -> None:
        """Stop it if it runs, and free what it holds."""


R = TypeVar("R", bound=Running)


@dataclass(frozen=True)
class Program:
    """One of the product's own processes."""

    child: processes.Child
    log: Path

    async def stop(self) -> None:
        """Let it finish what is under way."""
        await self.child.stop((signal.SIGTERM, _GRACE))


def program(
    name: str, argv: Sequence[str], environment: Mapping[str, str], log: Path
) -> Callable[[], Awaitable[Program]]:
    """How to start a Python module of ours in the current folder."""

    async def start() -> Program:
        child = processes.spawn(
            [sys.executable, *argv], name=name, cwd=Path.cwd(), env=environment, log=log
        )
        return Program(child, log)

    return start


@dataclass
class _Service:
    start: Callable[[], Awaitable[Running]]
    running: Running | None = None
    wanted: asyncio.Event = field(default_factory=asyncio.Event)
    keeper: asyncio.Task[None] | None = None
    deaths: int = 0


class Supervisor:
    """The processes by name; the order in which they are stopped is the caller's."""

    def __init__(self, changed: Callable[[], None]) -> None:
        """`changed` is called whenever a process has come or gone."""
        self._services: dict[str, _Service] = {}
        self._changed = changed
        self.proven = False
        """Whether everything has worked once; until then repeated deaths are given up on."""
        self._hopeless: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def run(self, name: str, start: Callable[[], Awaitable[R]]) -> R:
        """Start something and keep it running. Raises what the first start raises."""
        service = self._services[name] = _Service(start)
        service.wanted.set()
        running = await start()
        service.running = running
        service.keeper = asyncio.create_task(self._keep(name, service))
        self._changed()
        return running

    async def until_hopeless(self) -> None:
        """Return only when a process cannot be brought up, by raising CannotStart."""
        raise CannotStart(await asyncio.shield(self._hopeless))

    def pids(self) -> dict[str, int]:
        """Process ids of those that run."""
        return {
            name: service.running.child.pid
            for name, service in self._services.items()
            if service.running is not None and service.running.child.returncode is None
        }

    async def kill(self, name: str, number: int) -> None:
        """Send a signal. One that ends a process is waited for, and then it stays down.

        Raises KeyError for an unknown name.
        """
        service = self._services[name]
        if number not in _HARMLESS:
            service.wanted.clear()
        if service.running is not None:
            child = service.running.child
            child.send(number)
            if number not in _HARMLESS:
                await child.wait(_KILL_LIMIT)

    async def start(self, name: str) -> None:
        """Start what was killed; nothing happens if it runs. Raises KeyError."""
        service = self._services[name]
        service.wanted.set()
        while service.running is None or service.running.child.returncode is not None:  # noqa: ASYNC110 - rare and short
            await asyncio.sleep(0.02)

    async def stop(self, name: str) -> None:
        """Stop it for good, if it was ever started."""
        service = self._services.pop(name, None)
        if service is None:
            return
        if service.keeper is not None:
            service.keeper.cancel()
            await asyncio.gather(service.keeper, return_exceptions=True)
        if service.running is not None:
            await service.running.stop()
        self._changed()

    async def _keep(self, name: str, service: _Service) -> None:
        while True:
            if service.running is not None:
                status = await service.running.child.wait()
                ended, service.running = service.running, None
                await ended.stop()
                self._changed()
                if service.wanted.is_set():
                    self._report(name, service, ended, status or 0)
                    await asyncio.sleep(PAUSE)
            await service.wanted.wait()
            try:
                service.running = await service.start()
            except (CannotStart, OSError) as error:
                _say(f"{name}: {error}")
                await asyncio.sleep(PAUSE)
            else:
                self._changed()

    def _report(self, name: str, service: _Service, ended: Running, status: int) -> None:
        """Say that it died; before everything has worked once, too many deaths are the end."""
        how = f"by {signal.Signals(-status).name}" if status < 0 else f"with status {status}"
        service.deaths += 1
        gives_up = not self.proven and (service.deaths >= _FIRST_TRIES or status == _WRONG_SETTINGS)
        if not gives_up:
            _say(f"{name} ended {how}, it is started again")
        elif not self._hopeless.done():
            reason = processes.last_line(ended.log) if isinstance(ended, Program) else ""
            self._hopeless.set_result(f"{name} ended {how}: {reason}")


def _say(line: str) -> None:
    print(f"sandbox: {line}", file=sys.stderr, flush=True)
