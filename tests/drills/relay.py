"""Pass the product's connections on to Telegram, and close the port for the drill of an outage."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from sandbox.telegram import ports

_CHUNK = 65_536


@dataclass
class Relay:
    """A port of this machine whose connections lead to the port `to`."""

    port: int
    to: int
    _server: asyncio.Server | None = None
    _connections: dict[asyncio.Task[None], set[asyncio.StreamWriter]] = field(default_factory=dict)
    """The task of each open connection, with both of its sides."""

    @property
    def url(self) -> str:
        """Return the address of the port."""
        return f"http://{ports.HOST}:{self.port}"

    async def open(self) -> None:
        """Listen on the port, if it is closed."""
        if self._server is not None:
            return
        self._server = await asyncio.start_server(self._pass_on, ports.HOST, self.port)

    async def close(self) -> None:
        """Close the port: new connections are refused, and open ones end."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for sides in self._connections.values():
            for writer in sides:
                writer.transport.abort()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None:
            return
        sides = self._connections[task] = {writer}
        try:
            there_reader, there_writer = await asyncio.open_connection(ports.HOST, self.to)
            sides.add(there_writer)
            await asyncio.gather(_copy(reader, there_writer), _copy(there_reader, writer))
        except OSError:
            pass  # nothing listens there yet
        finally:
            del self._connections[task]
            for side in sides:
                side.transport.abort()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy bytes until one side has ended the connection, and then end the other side."""
    with contextlib.suppress(OSError):
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def run() -> AsyncIterator[Relay]:
    """Run a relay from one free port to another, on which nothing listens yet."""
    with ports.listen(0) as here, ports.listen(0) as there:
        relay = Relay(ports.port_of(here), ports.port_of(there))
    await relay.open()
    try:
        yield relay
    finally:
        await relay.close()
