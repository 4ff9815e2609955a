"""Test that the bot reports functions that block the event loop."""

import asyncio
import subprocess
import sys
import time
from typing import Any

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from bot import event_loop
from bot.event_loop import LoopWatch
from bot.screens import menu
from tests.handlers.marketplace import Marketplace

HANDLER = "handlers.start.show_page"


def held_by(where: str) -> float:
    """Return how often a function has blocked the event loop."""
    return REGISTRY.get_sample_value("adtech_event_loop_held_total", {"where": where}) or 0.0


async def test_a_handler_that_holds_the_loop_is_logged_and_counted(
    market: Marketplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    await market.say("advertiser", "/start")
    page = menu.page

    def slow_page(*arguments: Any) -> Any:
        time.sleep(1.5)
        return page(*arguments)

    monkeypatch.setattr(menu, "page", slow_page)
    watch = LoopWatch()
    watching = asyncio.create_task(watch.run())
    before = held_by(HANDLER)
    with capture_logs() as logs:
        await market.say("advertiser", "/terms")
    assert held_by(HANDLER) == before + 1
    (line,) = [line for line in logs if line["event"] == "The event loop is held"]
    assert line["where"] == HANDLER
    assert line["task"] == f"chat {market.chat('advertiser')}"
    await asyncio.sleep(2 * event_loop.INTERVAL_SECONDS)
    assert 1.0 < watch.take_longest_lag() < 10
    assert watch.take_longest_lag() < 1.0
    watching.cancel()


async def test_a_loop_that_only_waits_is_not_late() -> None:
    watch = LoopWatch()
    watching = asyncio.create_task(watch.run())
    with capture_logs() as logs:
        await asyncio.sleep(1.5)
    assert logs == []
    watching.cancel()


def test_a_loop_that_stands_ends_the_process() -> None:
    program = """
import asyncio, time
from bot import event_loop
event_loop.HUNG_SECONDS = 0.5
async def main():
    asyncio.create_task(event_loop.LoopWatch(exit_as="bot").run())
    await asyncio.sleep(0.1)
    time.sleep(60)
asyncio.run(main())
"""
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=50, check=False
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith("bot: its event loop hangs; exiting")
