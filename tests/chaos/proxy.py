"""Forward TCP connections to a server, until a test cuts the network or lets it swallow data."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from sandbox.telegram import ports

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
CHUNK = 65_536


class Proxy:
    """A TCP proxy that resets all connections while a test cuts the network."""

    def __init__(self, connect: Callable[[], Awaitable[Streams]]) -> None:
        self._connect = connect
        self._connected = True
        self._writers: set[asyncio.StreamWriter] = set()
        self._swallowing: set[asyncio.StreamWriter] = set()
        self.port = 0
        self.delay_seconds = 0.0
        """How long the proxy keeps each piece of data, in each direction."""

    async def serve(
        self, client: asyncio.StreamReader, client_writer: asyncio.StreamWriter
    ) -> None:
        """Forward the data of one connection in both directions."""
        if not self._connected:
            client_writer.transport.abort()
            return
        try:
            server_reader, server_writer = await self._connect()
        except OSError:
            client_writer.transport.abort()
            return
        writers = {client_writer, server_writer}
        self._writers |= writers
        try:
            # The event loop cancels this task at the end of the run.
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.gather(
                    self._forward(client, server_writer),
                    self._forward(server_reader, client_writer),
                )
        finally:
            self._writers -= writers
            self._swallowing -= writers
            for writer in writers:
                writer.transport.abort()

    def cut(self) -> None:
        """Reset all connections, and reset each new connection from now on."""
        self._connected = False
        for writer in self._writers:
            writer.transport.abort()

    def swallow(self) -> None:
        """Keep the present connections open, and forward none of their data any more."""
        self._swallowing |= self._writers

    def restore(self) -> None:
        """Allow new connections after `cut`."""
        self._connected = True

    async def _forward(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while chunk := await source.read(CHUNK):
                if self.delay_seconds:
                    await asyncio.sleep(self.delay_seconds)
                if sink not in self._swallowing:
                    sink.write(chunk)
                    await sink.drain()
        with contextlib.suppress(OSError, RuntimeError):
            sink.write_eof()


@asynccontextmanager
async def run_proxy(
    connect: Callable[[], Awaitable[Streams]], *, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Proxy]:
    """Run a proxy that connects to a server with `connect`. Its clients use TLS if `tls` is set."""
    proxy = Proxy(connect)
    listener = ports.listen(0)
    proxy.port = ports.port_of(listener)
    server = await asyncio.start_server(proxy.serve, sock=listener, ssl=tls)
    try:
        yield proxy
    finally:
        proxy.cut()
        server.close()
