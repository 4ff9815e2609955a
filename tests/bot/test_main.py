"""Test how the process `python -m bot` starts and stops."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import aiohttp
import pytest

from sandbox.telegram import ports
from tests.conftest import Database
from tests.handlers.marketplace import NO_REDIS, running_bot
from tests.sandbox.telegram.raw_world import BOT_TOKEN, SandboxClient, begin

pytestmark = pytest.mark.mostly_waits

ROOT = Path(__file__).parents[2]
START_SECONDS = 180


def environment(world: SandboxClient, database: Database, **more: str) -> Mapping[str, str]:
    """Return the environment variables of a bot."""
    return {
        "PATH": os.environ["PATH"],
        "BOT_TOKEN": BOT_TOKEN,
        "BOT_API_URL": world.url,
        "ADMIN_CHAT_ID": str(world.ids["group"]),
        "SUPER_ADMIN_IDS": str(world.ids["admin"]),
        "DATABASE_URL": database.url,
        "REDIS_URL": NO_REDIS,
        "HTTP_PORT": "0",
        "ENVIRONMENT": "development",
        **more,
    }


async def start(settings: Mapping[str, str]) -> asyncio.subprocess.Process:
    """Start a bot process with these environment variables."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot"),
        cwd=ROOT,
        env=settings,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


async def refused(settings: Mapping[str, str]) -> str:
    """Return the stderr of a bot that refuses to start with the status 2."""
    process = await start(settings)
    try:
        _, said = await asyncio.wait_for(process.communicate(), START_SECONDS)
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode == 2, said.decode()
    return said.decode()


async def test_the_bot_answers_and_stops_on_sigterm(database: Database, tmp_path: Path) -> None:
    async with begin(tmp_path / "telegram") as world:
        await world.populate()
        await world.say("/start")
        port = ports.free(0)
        process = await start(environment(world, database, METRICS_PORT=str(port)))
        try:
            async with asyncio.timeout(START_SECONDS):
                while True:
                    shown = await world.see(f"chats/{world.ids['advertiser']}/messages")
                    if any("Welcome" in (m["text"] or "") for m in shown["messages"]):
                        break
                    await asyncio.sleep(0.1)
            async with (
                aiohttp.ClientSession() as client,
                client.get(f"http://127.0.0.1:{port}/metrics") as response,
            ):
                assert 'adtech_updates_total{kind="message"} 1.0' in await response.text()
        finally:
            process.send_signal(signal.SIGTERM)
            _, said = await asyncio.wait_for(process.communicate(), START_SECONDS)
        assert process.returncode == 0, said.decode()
        assert BOT_TOKEN not in said.decode()
        commands = await world.call("getMyCommands", scope={"type": "all_private_chats"})
        assert "paysupport" in [command["command"] for command in commands]
        # The lease was released. Therefore the next process does not need to wait.
        async with running_bot(world, database) as market:
            assert await market.value("SELECT held_until <= now() FROM leases") is True


async def test_a_port_in_use_is_reported_in_one_line(database: Database, tmp_path: Path) -> None:
    async with begin(tmp_path / "telegram") as world:
        await world.populate()
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = str(taken.getsockname()[1])
            said = await refused(environment(world, database, HTTP_PORT=port))
    assert said.count("\n") == 1
    assert "HTTP_PORT" in said
    assert BOT_TOKEN not in said
