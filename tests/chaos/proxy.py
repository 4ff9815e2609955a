"""A network that can be cut: a TCP port of the loopback before a server's socket."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from sandbox import ports

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
CHUNK = 65_536


class Proxy:
    """Passes bytes on until it is cut; a cut resets every connection and every new one."""

    def __init__(self, connect: Callable[[], Awaitable[Streams]]) -> None:
        self._connect = connect
        self._whole = True
        self._ends: set[asyncio.StreamWriter] = set()
        self.port = 0

    async def serve(self, near: asyncio.StreamReader, near_end: asyncio.StreamWriter) -> None:
        """One connection."""
        if not self._whole:
            near_end.transport.abort()
            return
        try:
            far, far_end = await self._connect()
        except OSError:
            near_end.transport.abort()
            return
        ends = {near_end, far_end}
        self._ends |= ends
        try:
            # Cancelled when the run is over.
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.gather(_pass_on(near, far_end), _pass_on(far, near_end))
        finally:
            self._ends -= ends
            for end in ends:
                end.transport.abort()

    def cut(self) -> None:
        """Nothing gets through from now on."""
        self._whole = False
        for end in self._ends:
            end.transport.abort()

    def mend(self) -> None:
        """New connections get through again."""
        self._whole = True


async def _pass_on(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while chunk := await source.read(CHUNK):
            sink.write(chunk)
            await sink.drain()
    with contextlib.suppress(OSError, RuntimeError):
        sink.write_eof()


@asynccontextmanager
async def proxy(connect: Callable[[], Awaitable[Streams]]) -> AsyncIterator[Proxy]:
    """A proxy before whatever `connect` reaches at the moment."""
    made = Proxy(connect)
    listener = ports.listen(0)
    made.port = ports.port_of(listener)
    server = await asyncio.start_server(made.serve, sock=listener)
    try:
        yield made
    finally:
        made.cut()
        server.close()
