"""`python -m bot` as a process: starts, refuses to start, stops."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pytest

from bot import start_checks
from tests.conftest import Database
from tests.handlers.marketplace import NO_REDIS, Marketplace, running_bot
from tests.sandbox.raw_world import BOT_TOKEN, RawWorld, begin

pytestmark = pytest.mark.storm

ROOT = Path(__file__).parents[2]
START_SECONDS = 180


def environment(world: RawWorld, database: Database, **more: str) -> Mapping[str, str]:
    """Only what the bot needs: nothing of a `.env` or of this machine's settings comes in."""
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
    """Start the bot."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot"),
        cwd=ROOT,
        env=settings,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


async def refused(settings: Mapping[str, str]) -> str:
    """What the bot says when it does not start."""
    process = await start(settings)
    try:
        _, said = await asyncio.wait_for(process.communicate(), START_SECONDS)
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode == 2, said.decode()
    return said.decode()


async def test_it_answers_and_stops_when_told_to(database: Database, tmp_path: Path) -> None:
    async with begin(tmp_path / "telegram") as world:
        await world.populate()
        await world.say("/start")
        process = await start(environment(world, database))
        try:
            async with asyncio.timeout(START_SECONDS):
                while True:
                    shown = await world.see(f"chats/{world.ids['advertiser']}/messages")
                    if any("Welcome" in (m["text"] or "") for m in shown["messages"]):
                        break
                    await asyncio.sleep(0.1)
        finally:
            process.send_signal(signal.SIGTERM)
            _, said = await asyncio.wait_for(process.communicate(), START_SECONDS)
        assert process.returncode == 0, said.decode()
        assert BOT_TOKEN not in said.decode()
        commands = await world.call("getMyCommands", scope={"type": "all_private_chats"})
        assert "paysupport" in [command["command"] for command in commands]
        # The lease was let go: the next one need not wait.
        async with running_bot(world, database) as market:
            assert await market.value("SELECT held_until <= now() FROM leases") is True


async def test_a_port_in_use_is_told_in_one_line(database: Database, tmp_path: Path) -> None:
    async with begin(tmp_path / "telegram") as world:
        await world.populate()
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = str(taken.getsockname()[1])
            said = await refused(environment(world, database, HTTP_PORT=port))
    assert said.count("\n") == 1
    assert "HTTP_PORT" in said
    assert BOT_TOKEN not in said


async def test_an_admin_chat_that_cannot_be_one_is_refused(market: Marketplace) -> None:
    for chat_id, why in (
        (-100123, "not in that chat"),
        (market.chat("channel"), "not in that chat"),
        (market.chat("advertiser"), "not a group"),
    ):
        with pytest.raises(start_checks.CannotStartError, match=why):
            await start_checks.admin_chat(market.bot, chat_id)
    await start_checks.admin_chat(market.bot, market.chat("group"))
    market.world.state.chats[market.chat("group")].username = "everybody_welcome"
    with pytest.raises(start_checks.CannotStartError, match="public"):
        await start_checks.admin_chat(market.bot, market.chat("group"))


async def test_wallets_in_another_currency_are_refused(market: Marketplace) -> None:
    euros = market.wiring.settings.model_copy(update={"currency": "EUR"})
    with pytest.raises(start_checks.CannotStartError, match="CURRENCY"):
        await start_checks.database(market.database.sessions, euros)


async def test_a_telegram_that_is_away_is_waited_for(
    market: Marketplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(start_checks, "PAUSE_SECONDS", 0.01)
    await market.world.control("faults", method="getChat", kind="html_502", times=2)
    check = partial(start_checks.admin_chat, market.bot, market.chat("group"))
    await start_checks.patiently(check)
