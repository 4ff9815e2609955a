"""Provide a world with a small bot, and pages of Chromium that look at it."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, ViewportSize, async_playwright

from sandbox.telegram.guide import GuideStep, MessageShown
from tests.browser.chromium import VARIABLE
from tests.browser.small_bot import SmallBot
from tests.sandbox.telegram.raw_world import CONTROL_TOKEN, SandboxClient, begin

collect_ignore_glob = [] if VARIABLE in os.environ else ["test_*.py"]
OpenPage = Callable[..., Awaitable[Page]]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[SandboxClient]:
    """Serve a sandbox with people, chats, a clock, a guide of one step, and a bot."""

    async def move_clock(seconds: float) -> float:
        return seconds

    async with begin(tmp_path) as first:
        await first.populate()
        ids = first.ids
    owner = ids["owner"]
    step = GuideStep(
        "start",
        {"en": "Start the bot", "ru": "Запустите бота"},
        {"en": "Press START.", "ru": "Нажмите START."},
        owner,
        owner,
        MessageShown(owner, ("Welcome",)),
    )
    async with begin(tmp_path, move_clock=move_clock, guide=[step]) as running:
        running.ids.update(ids)
        task = asyncio.create_task(SmallBot(running).run())
        yield running
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Run Chromium without a window."""
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(
            executable_path=os.environ[VARIABLE], args=["--no-sandbox"]
        )
        yield started
        await started.close()


@pytest.fixture
async def open_page(world: SandboxClient, browser: Browser) -> AsyncIterator[OpenPage]:
    """Yield a function that opens a page of the world. No page may meet an error in its code."""
    errors: list[str] = []
    contexts = []

    async def open_page(path: str = "", **options: Any) -> Page:
        size = ViewportSize(width=options.pop("width", 1280), height=800)
        context = await browser.new_context(
            viewport=size, **{"locale": "en", "color_scheme": "light"} | options
        )
        contexts.append(context)
        page = await context.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: errors.append(str(error)))
        await page.goto(f"{world.url}/?token={CONTROL_TOKEN}{path}")
        await page.wait_for_selector("#chats li", state="attached")
        return page

    yield open_page
    for context in contexts:
        await context.close()
    assert errors == []
