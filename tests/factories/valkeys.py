"""Run Valkey servers on loopback ports: alone, as a cluster, and watched by Sentinel."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from redis.asyncio import Redis
from redis.exceptions import RedisError

from sandbox import binaries, processes
from sandbox.telegram import ports

SERVICE = "forms"
_SLOTS = 16_384
_HIGHEST_PORT = 55_000


class Servers:
    """The servers of one test, in one folder."""

    def __init__(self, folder: Path, stack: AsyncExitStack) -> None:
        self._folder = folder
        self._stack = stack
        self._running: dict[int, processes.Child] = {}

    async def start(self, *options: str) -> int:
        """Start a server with these options, and return its port."""
        # A server of a cluster needs a second port, which is higher by 10,000.
        port = next(free for free in iter(lambda: ports.free(0), None) if free < _HIGHEST_PORT)
        folder = self._folder / str(port)
        folder.mkdir()
        common = ("--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder))
        await self._run(port, *common, *options)
        return port

    async def start_sentinel(self, watched: int) -> int:
        """Start a Sentinel that watches the server at the port `watched`, and return its port."""
        port = ports.free(0)
        config = self._folder / f"{port}.conf"
        config.write_text(
            f"port {port}\nbind 127.0.0.1\ndir {self._folder}\n"
            f"sentinel monitor {SERVICE} 127.0.0.1 {watched} 1\n"
            f"sentinel down-after-milliseconds {SERVICE} 500\n"
        )
        await self._run(port, str(config), "--sentinel")
        return port

    async def stop(self, port: int) -> None:
        """Kill a server."""
        await self._running[port].stop()

    async def _run(self, port: int, *arguments: str) -> None:
        child = processes.spawn(
            [binaries.valkey(), *arguments],
            name="valkey",
            cwd=self._folder,
            env={"PATH": os.defpath},
            log=self._folder / "valkey.log",
        )
        self._running[port] = child
        self._stack.push_async_callback(child.stop)
        async with asyncio.timeout(60):
            await ports.until_answered(port)


@asynccontextmanager
async def servers(folder: Path) -> AsyncIterator[Servers]:
    """Yield an object that starts servers. They end with the `with` block."""
    async with AsyncExitStack() as stack:
        yield Servers(folder, stack)


async def make_cluster(running: Servers, size: int) -> list[int]:
    """Start a cluster of `size` servers, and return their ports when all slots are served."""
    found = [
        await running.start("--cluster-enabled", "yes", "--cluster-node-timeout", "2000")
        for _ in range(size)
    ]
    first = found[0]
    for number, port in enumerate(found):
        begin, end = _SLOTS * number // size, _SLOTS * (number + 1) // size - 1
        await command(port, "CLUSTER", "ADDSLOTSRANGE", begin, end)
        if port != first:
            await command(port, "CLUSTER", "MEET", "127.0.0.1", first)
    for port in found:
        await until(lambda port=port: _is_complete(port, size))  # type: ignore[misc]  # lambdas have none
    return found


async def command(port: int, *words: object) -> object:
    """Send a command to the server at a port, and return the answer."""
    client = Redis(port=port, decode_responses=True)
    try:
        return await client.execute_command(*words)  # type: ignore[no-untyped-call]  # redis has none
    finally:
        await client.aclose()


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait until a condition holds. A condition that fails with an error does not hold."""
    while True:
        try:
            if await holds():
                return
        except (RedisError, OSError):
            pass
        await asyncio.sleep(0.05)


async def _is_complete(port: int, size: int) -> bool:
    info = await command(port, "CLUSTER", "INFO")
    words = dict(line.split(":") for line in str(info).split())
    return words["cluster_state"] == "ok" and words["cluster_known_nodes"] == str(size)
