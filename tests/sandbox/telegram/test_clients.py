"""Test the server with libraries for bots that nobody here wrote.

Each library runs a small bot of `clients`. A person starts it, presses its buttons, gets a picture,
and pays.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.factories import pictures
from tests.sandbox.telegram import node
from tests.sandbox.telegram.raw_world import BOT_TOKEN, SandboxClient, begin

CLIENTS = Path(__file__).parent / "clients"
Json = dict[str, Any]


@dataclass
class Talk:
    """The private chat of a person with the bot of a library."""

    world: SandboxClient
    person: int
    seen: int = 0

    async def say(self, text: str) -> Json:
        """Write to the bot, and return its answer."""
        await self.world.say(text, "person")
        return await self.answer()

    async def answer(self) -> Json:
        """Wait for the next message of the bot, and return it."""
        while True:
            path = f"chats/{self.person}/messages?after={self.seen}&wait=30"
            found = (await self.world.see(path))["messages"]
            assert found, "the bot did not answer in half a minute"
            self.seen = max(message["message_id"] for message in found)
            for message in found:
                if message["from"] != self.person:
                    assert isinstance(message, dict)
                    return message

    async def press(self, button: str) -> Json:
        """Press a button, and return the bot's answer to the press, or the text that it sends."""
        return await self.world.control(f"users/{self.person}/press", button=button)


@asynccontextmanager
async def _talk(folder: Path, settings: dict[str, str], *program: str) -> AsyncIterator[Talk]:
    """Run a program as the bot, and yield a person's chat with it."""
    picture = folder / "picture.png"
    picture.write_bytes(pictures.png())
    async with begin(folder / "telegram", strict=False) as world:
        person = (await world.control("users", first_name="Person"))["id"]
        world.ids["person"] = person
        process = await asyncio.create_subprocess_exec(
            *program,
            env=settings
            | {"BOT_TOKEN": BOT_TOKEN, "BOT_API_URL": world.url, "PICTURE": str(picture)},
        )
        try:
            yield Talk(world, person)
        finally:
            process.terminate()
            await process.wait()


async def _try_everything(talk: Talk) -> None:
    hello = await talk.say("/start")
    assert (hello["text"], hello["buttons"][0][0]["text"]) == ("Hello", "Edit")
    assert (await talk.press("Edit"))["text"] == "Pressed"
    await _until_edited(talk)
    assert (await talk.say("/keys"))["text"] == "Choose"
    assert (await talk.press("Yes"))["sent"]["text"] == "Yes"
    assert (await talk.answer())["text"] == "You said Yes"
    picture = await talk.say("/picture")
    assert (picture["media"], picture["caption"]) == ("photo", "Picture")
    invoice = await talk.say("/pay")
    assert (invoice["invoice"]["currency"], invoice["invoice"]["total_amount"]) == ("XTR", 5)
    assert (await talk.world.control(f"users/{talk.person}/pay"))["ok"]
    assert (await talk.answer())["text"] == "Paid 5"


async def _until_edited(talk: Talk) -> None:
    version = None
    while True:
        path = f"chats/{talk.person}/messages?wait=30" + (f"&version={version}" if version else "")
        found = await talk.world.see(path)
        if found["messages"][-1]["text"] == "Edited":
            return
        assert found["version"] != version, "the bot did not edit its message in half a minute"
        version = found["version"]


@pytest.mark.parametrize("client", ["python_telegram_bot", "py_telegram_bot_api"])
async def test_a_library_for_python_talks_to_the_server(client: str, tmp_path: Path) -> None:
    program = (sys.executable, str(CLIENTS / f"{client}.py"))
    async with _talk(tmp_path, dict(os.environ), *program) as talk:
        await _try_everything(talk)


@pytest.mark.parametrize("client", ["grammy", "telegraf"])
async def test_a_library_for_node_talks_to_the_server(client: str, tmp_path: Path) -> None:
    settings = await node.settings()
    async with _talk(tmp_path, settings, "node", str(CLIENTS / f"{client}.js")) as talk:
        await _try_everything(talk)
