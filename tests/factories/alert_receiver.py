"""Receive alerts as a web server and as a mail server, as operators would run them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass
class WebReceiver:
    """A web server that keeps what it gets."""

    url: str = ""
    alerts: list[dict[str, Any]] = field(default_factory=list)
    calls: int = 0
    """The number of GET requests, as a dead man's switch gets them."""
    status: int = 200
    """The status of each answer."""


@asynccontextmanager
async def web_receiver() -> AsyncIterator[WebReceiver]:
    """Run a web server, and yield what it gets."""
    receiver = WebReceiver()

    async def take(request: web.Request) -> web.Response:
        if request.method == "GET":
            receiver.calls += 1
        else:
            receiver.alerts.append(await request.json())
        return web.Response(status=receiver.status)

    app = web.Application()
    app.router.add_route("*", "/alert", take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/alert"
    try:
        yield receiver
    finally:
        await runner.cleanup()


@dataclass
class MailReceiver:
    """A mail server that keeps what it gets."""

    port: int = 0
    mails: list[str] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    silent: bool = False
    """Whether the server accepts connections and never answers."""


@asynccontextmanager
async def mail_receiver() -> AsyncIterator[MailReceiver]:
    """Run a mail server without TLS."""
    receiver = MailReceiver()
    writers = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        if not receiver.silent:
            await _talk(receiver, reader, writer)
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        for writer in writers:
            writer.transport.abort()
        server.close()
        await asyncio.sleep(0)  # the transports close in the next round of the event loop


async def _talk(
    receiver: MailReceiver, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    writer.write(b"220 ready\r\n")
    while line := (await reader.readline()).decode().strip():
        word = line.split()[0].upper()
        if word == "EHLO":
            writer.write(b"250-hello\r\n250 AUTH PLAIN\r\n")
        elif word == "AUTH":
            receiver.logins.append(line.split()[-1])
            writer.write(b"235 welcome\r\n")
        elif word == "DATA":
            writer.write(b"354 go on\r\n")
            receiver.mails.append((await reader.readuntil(b"\r\n.\r\n")).decode())
            writer.write(b"250 taken\r\n")
        elif word == "QUIT":
            writer.write(b"221 bye\r\n")
            return
        else:
            writer.write(b"250 ok\r\n")
