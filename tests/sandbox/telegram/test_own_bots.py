"""Test that each program of docs/sandbox-for-your-bot.md does what the page says."""

import asyncio
import re
import sys
from pathlib import Path

import pytest

from sandbox.telegram.running import run
from tests.conftest import ROOT
from tests.sandbox.telegram import node

PAGE = ROOT / "docs" / "sandbox-for-your-bot.md"
TOKEN = "123456:my-own_token"
ADDRESS = "http://127.0.0.1:8081"


def _program(heading: str) -> tuple[str, str]:
    """Return the language and the text of the program below a heading of the page."""
    found = re.search(
        rf"^## {heading}\n.*?^```(\w+)\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL
    )
    assert found, heading
    return found[1], found[2]


@pytest.mark.parametrize("heading", ["aiogram", "python-telegram-bot", "grammY", "Telegraf"])
async def test_the_bot_of_each_library_answers(heading: str, tmp_path: Path) -> None:
    language, text = _program(heading)
    assert len([line for line in text.splitlines() if line]) <= 10
    settings = await node.settings() if language == "js" else {}
    async with run(token=TOKEN) as telegram:
        file = tmp_path / f"bot.{language}"
        file.write_text(text.replace(ADDRESS, telegram.url))
        program = "node" if language == "js" else sys.executable
        process = await asyncio.create_subprocess_exec(program, str(file), env=settings or None)
        try:
            person = (await telegram.control("state"))["people"][0]["id"]
            sent = await telegram.control(f"users/{person}/send", chat_id=person, text="Bread")
            path = f"chats/{person}/messages?after={sent['message_id']}&wait=60"
            messages = (await telegram.control(path))["messages"]
        finally:
            process.terminate()
            await process.wait()
    assert [message["text"] for message in messages] == ["You said Bread"]


async def test_the_fixture_works(tmp_path: Path) -> None:
    _, text = _program("In your tests")
    file = tmp_path / "test_bot.py"
    file.write_text(text)
    arguments = ("-q", "-p", "no:cacheprovider", "-o", "asyncio_mode=auto", f"--rootdir={tmp_path}")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pytest", *arguments, str(file)),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    assert b"1 passed" in output
