"""Test that a newcomer comes from the first screen of `make run` to a paid ad."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser

from tests.browser.story import Story
from tests.conftest import ROOT

PICTURES = "PICTURES_OF_TESTS"
"""The environment variable with the folder for the pictures: `make pictures` sets it."""
MOST_CLICKS = 40
SLOWEST = 60_000
"""How long the page may take for one thing on a busy machine, in milliseconds."""


@pytest.fixture
async def page_url(tmp_path: Path) -> AsyncIterator[str]:
    """Run the whole product in a folder of its own, and yield the address of its page."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "sandbox", "--isolated", "--local", str(tmp_path / "local")),
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    assert process.stdout
    try:
        while not (found := re.search(r"http://\S+token=\S+", await _line(process.stdout))):
            pass
        yield found[0]
    finally:
        process.send_signal(signal.SIGINT)
        await process.communicate()


async def _line(output: asyncio.StreamReader) -> str:
    line = await output.readline()
    assert line, "the sandbox has ended"
    return line.decode()


async def test_a_newcomer_sees_an_ad_paid(page_url: str, browser: Browser, tmp_path: Path) -> None:
    context = await browser.new_context(viewport={"width": 1280, "height": 800}, locale="en")
    page = await context.new_page()
    page.set_default_timeout(SLOWEST)
    await page.goto(page_url)
    await page.wait_for_selector("#start")
    story = Story(page, Path(os.environ.get(PICTURES, tmp_path)))
    await story.play()
    await context.close()
    assert story.clicks <= MOST_CLICKS
