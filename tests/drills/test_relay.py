"""Test the relay that closes Telegram's port in a drill."""

import asyncio
import contextlib

import pytest

from sandbox.telegram import ports
from tests.drills import relay


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(100):
            writer.write(data.upper())
    writer.close()


async def test_a_closed_relay_ends_connections_and_refuses_new_ones() -> None:
    async with relay.run() as telegram:
        server = await asyncio.start_server(_answer, ports.HOST, telegram.to)
        reader, first = await asyncio.open_connection(ports.HOST, telegram.port)
        first.write(b"hello")
        assert await reader.readexactly(5) == b"HELLO"
        await telegram.close()
        assert await reader.read() == b""
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(ports.HOST, telegram.port)
        await telegram.open()
        reader, second = await asyncio.open_connection(ports.HOST, telegram.port)
        second.write(b"again")
        assert await reader.readexactly(5) == b"AGAIN"
        for writer in (first, second):
            writer.transport.abort()
    server.close()
    if left := asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.wait(left)
    await asyncio.sleep(0.05)  # a transport ends a moment after its abort
