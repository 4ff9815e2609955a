"""Test the server with libraries for bots that nobody here wrote.

Each library runs a small bot of `clients`. A person starts it, presses its buttons, gets a picture,
and pays.
"""

import asyncio
import hashlib
import os
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.conftest import ROOT
from tests.sandbox.telegram.raw_world import BOT_TOKEN, SandboxClient, begin

CLIENTS = Path(__file__).parent / "clients"
PACKAGES = ROOT / ".venv" / "node"
"""The folder of the packages for Node.js, one folder for each content of the lock file."""
LONGEST_INSTALLATION = 120
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
async def _talk(folder: Path, *program: str, **settings: str) -> AsyncIterator[Talk]:
    """Run a program as the bot, and yield a person's chat with it."""
    picture = folder / "picture.png"
    Image.new("RGB", (8, 8)).save(picture)
    async with begin(folder / "telegram") as world:
        person = (await world.control("users", first_name="Person"))["id"]
        world.ids["person"] = person
        process = await asyncio.create_subprocess_exec(
            *program,
            env=os.environ
            | {"BOT_TOKEN": BOT_TOKEN, "BOT_API_URL": world.url, "PICTURE": str(picture)}
            | settings,
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
    async with _talk(tmp_path, sys.executable, str(CLIENTS / f"{client}.py")) as talk:
        await _try_everything(talk)


@pytest.fixture(scope="module")
def node_packages() -> Path:
    """Install grammY and Telegraf if Node.js is on this machine, and return their folder."""
    return asyncio.run(_install())


async def _install() -> Path:
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("Node.js is not installed, so its two libraries cannot be tried")
    lock = (CLIENTS / "package-lock.json").read_bytes()
    folder = PACKAGES / hashlib.sha256(lock).hexdigest()[:16]
    packages = folder / "node_modules"
    if not (packages / ".package-lock.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(CLIENTS / name, folder)
        arguments = ("ci", "--no-audit", "--no-fund", "--ignore-scripts")
        process = await asyncio.create_subprocess_exec("npm", *arguments, cwd=folder)
        try:
            await asyncio.wait_for(process.wait(), LONGEST_INSTALLATION)
        except TimeoutError:
            process.kill()
            await process.wait()
        if process.returncode:
            pytest.skip("npm cannot install the libraries: is there a registry of packages?")
    return packages


@pytest.mark.parametrize("client", ["grammy", "telegraf"])
async def test_a_library_for_node_talks_to_the_server(
    client: str, tmp_path: Path, node_packages: Path
) -> None:
    program = ("node", str(CLIENTS / f"{client}.js"))
    async with _talk(tmp_path, *program, NODE_PATH=str(node_packages)) as talk:
        await _try_everything(talk)
