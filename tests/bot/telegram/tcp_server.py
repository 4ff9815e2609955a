"""Run a TCP server whose answers the test chooses."""

import asyncio
import itertools
import json
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from bot.telegram.send_outcomes import SendOutcome
from bot.telegram.sender import Sender
from services.market.creatives import Creative

CHANNEL = -1001234567890
TOKEN = "42:TEST-token-that-opens-nothing"
AD = Creative(kind="text", text="Buy a lamp")
TIMEOUT = 0.6
"""The request timeout in the tests of timeouts, in seconds."""
# A busy machine needs time to send the request.
PATIENCE = 60.0
"""The request timeout in all other tests, in seconds."""

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def answer(status: int, body: bytes | dict[str, Any], *, length: int | None = None) -> bytes:
    """Return an HTTP response. `length` replaces the correct Content-Length."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    size = len(content) if length is None else length
    head = (
        f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {size}\r\n\r\n"
    )
    return head.encode() + content


def telegram_error(code: int, description: str, **parameters: int) -> bytes:
    """Return an HTTP response with a Bot API error."""
    body: dict[str, Any] = {"ok": False, "error_code": code, "description": description}
    if parameters:
        body["parameters"] = parameters
    return answer(code, body)


async def read_request(reader: asyncio.StreamReader) -> bytes:
    """Read a whole HTTP request: its head and its body."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1])
        for line in head.lower().split(b"\r\n")
        if line.startswith(b"content-length:")
    )
    return head + await reader.readexactly(length)


def reset(writer: asyncio.StreamWriter) -> None:
    """Break off a connection with a TCP reset (RST)."""
    raw = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def replying(content: bytes) -> Behaviour:
    """Return a function that reads one request, sends `content`, and closes the connection."""

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(content)
        await writer.drain()
        writer.close()

    return behave


async def reset_at_once(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    reset(writer)


async def reset_after_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    reset(writer)


async def close_after_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    writer.close()


async def never_answer(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await reader.read()  # until the other side gives up


async def trickle(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    content = answer(200, {"ok": True, "result": {"message_id": 7}}, length=1_000_000)
    for byte in itertools.chain(content, itertools.repeat(ord(" "))):
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(TIMEOUT / 20)


@asynccontextmanager
async def listening(behave: Behaviour) -> AsyncIterator[tuple[str, list[int]]]:
    """Run a server.

    Yield the server's address, and a list with one item per accepted connection.
    """
    connections: list[int] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(1)
        try:
            await behave(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", connections
    finally:
        server.close()
        await server.wait_closed()


@asynccontextmanager
async def sending(address: str, *, seconds: float = PATIENCE) -> AsyncIterator[Sender]:
    sender = Sender(token=TOKEN, api_url=address, seconds=seconds)
    try:
        yield sender
    finally:
        await sender.close()


async def outcome_of(behave: Behaviour) -> SendOutcome:
    """Send one ad to a server. Asserts that the sender connected exactly once."""
    async with listening(behave) as (address, connections), sending(address) as sender:
        outcome = await sender.send_ad(CHANNEL, AD)
    assert len(connections) == 1
    return outcome


def message(message_id: object) -> dict[str, Any]:
    return {"ok": True, "result": {"message_id": message_id, "date": 1, "chat": {"id": CHANNEL}}}
