"""Start and stop the parts of an exercise's product from another shell.

`service list`, `service start NAME` and `service stop NAME` do what `docker compose` does with the
containers of a real product. The exercise listens on a socket in its folder. Each request is one
line, and the answer is text.
"""

import asyncio
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from sandbox.demo.errors import Unexpected
from tests.drills.world import World

PROCESSES = {"bot": "bot", "scheduler": "scheduler", "redis": "valkey", "database": "postgres"}
"""The processes of the sandbox, by the names that people use."""
NETWORK = "network"
"""The way to Telegram. It can only be started, which repairs it."""
REVEAL = "reveal"
_USAGE = f"service list | start NAME | stop NAME; NAME is one of {', '.join(PROCESSES)}, {NETWORK}"
_LINE_LIMIT = 1000
_Reveal = Callable[[], Awaitable[str]]


async def answer(line: str, world: World, reveal: _Reveal) -> str:
    """Carry out one request, and return what it answers."""
    match line.split():
        case ["list"]:
            running = world.sandbox.facts["processes"]
            states = {
                name: "running" if process in running else "stopped"
                for name, process in PROCESSES.items()
            }
            return "\n".join(f"{name:<11}{state}" for name, state in states.items())
        case ["reveal"]:
            return await reveal()
        case ["start", "network"]:
            await world.restore_network()
            return "the way to Telegram is open"
        case ["start", name] if name in PROCESSES:
            await world.control.post(f"/processes/{PROCESSES[name]}/start")
            return f"{name} is started"
        case ["stop", name] if name in PROCESSES:
            number = int(signal.SIGTERM)
            await world.control.post(f"/processes/{PROCESSES[name]}/kill", signal=number)
            return f"{name} is stopped"
    return f"usage: {_USAGE}"


@asynccontextmanager
async def serve(path: Path, world: World, reveal: _Reveal) -> AsyncIterator[None]:
    """Answer requests on the socket `path`, whose folder only this user may enter."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            line = (await reader.readline()).decode(errors="replace")
            try:
                said = await answer(line, world, reveal)
            except Unexpected as error:
                said = str(error)
            writer.write(f"{said}\n".encode())
            await writer.drain()
        except OSError:
            pass  # the other side has ended
        finally:
            writer.close()

    server = await asyncio.start_unix_server(handle, path, limit=_LINE_LIMIT)
    try:
        yield
    finally:
        server.close()


def ask(path: Path, line: str) -> str:
    """Send one request to a running exercise, and return its answer.

    Raises OSError if no exercise listens.
    """
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        client.sendall(f"{line}\n".encode())
        client.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: client.recv(65_536), b"")).decode()


if __name__ == "__main__":
    try:
        print(ask(Path(sys.argv[1]), " ".join(sys.argv[2:])), end="")
    except OSError:
        sys.exit("service: the exercise has ended")
