"""Test the simulated Telegram as a program of its own, without the product."""

import asyncio
import contextlib
import re
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from sandbox.telegram import options, standalone
from sandbox.telegram.startup_errors import CannotStart
from tests.conftest import ROOT

TOKEN = "4242:a-token_of-a-bot"
FOREIGN = "bot|handlers|services|db|scheduler|sqlalchemy|asyncpg|redis"
Json = dict[str, Any]


class Client:
    """A client of the running server, which knows no more than what the server has printed."""

    def __init__(self, http: aiohttp.ClientSession, greeting: str) -> None:
        self._http = http
        self.url = self._find(r"Bot API +(\S+)", greeting)
        self.page = self._find(r"page +(\S+)", greeting)
        self.control_token = self._find(r"Bearer (\S+)", greeting)

    @staticmethod
    def _find(pattern: str, greeting: str) -> str:
        found = re.search(pattern, greeting)
        assert found, greeting
        return found[1]

    async def call(self, method: str, **fields: Any) -> Any:
        """Call a method of the Bot API, which must succeed."""
        async with self._http.post(f"{self.url}/bot{TOKEN}/{method}", json=fields) as response:
            body: Json = await response.json()
            assert body["ok"], body
            return body["result"]

    async def control(self, path: str, **fields: Any) -> Json:
        """Call the control API, with POST if there are fields."""
        verb = "POST" if fields else "GET"
        headers = {"Authorization": f"Bearer {self.control_token}"}
        url = f"{self.url}/control/{path}"
        async with self._http.request(verb, url, json=fields or None, headers=headers) as response:
            body: Json = await response.json()
            assert response.status == 200, body
            return body

    async def open_page(self) -> str:
        """Return the page at the address that the program has printed."""
        async with self._http.get(self.page) as response:
            assert response.status == 200
            return await response.text()


Start = Callable[..., contextlib.AbstractAsyncContextManager[Client]]


@pytest.fixture
def start(capsys: pytest.CaptureFixture[str]) -> Start:
    """Return a function that serves on a free port with options of the command line."""

    @asynccontextmanager
    async def serve(*arguments: str) -> AsyncIterator[Client]:
        chosen = options.read(["--port", "0", "--token", TOKEN, *arguments])
        task = asyncio.create_task(standalone.serve(chosen))
        printed = ""
        while "write to the bot" not in printed and not task.done():
            await asyncio.sleep(0.01)
            printed += capsys.readouterr().out
        try:
            async with aiohttp.ClientSession() as http:
                yield Client(http, printed)
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    return serve


async def test_a_person_and_a_bot_talk_and_the_folder_keeps_it(
    start: Start, tmp_path: Path
) -> None:
    arguments = ("--data", str(tmp_path), "--username", "@my_first_bot")
    async with start(*arguments) as client:
        assert "<html" in await client.open_page()
        me = await client.call("getMe")
        assert (me["id"], me["first_name"], me["username"]) == (4242, "Bot", "my_first_bot")
        person = (await client.control("state"))["people"][0]["id"]
        await client.control(f"users/{person}/send", chat_id=person, text="Hello")
        joined, posting, written = await client.call("getUpdates")
        assert joined["my_chat_member"]["chat"]["type"] == "supergroup"
        assert posting["my_chat_member"]["chat"]["type"] == "channel"
        assert written["message"]["text"] == "Hello"
        await client.call("sendMessage", chat_id=person, text="Good morning")
    async with start(*arguments) as again:
        assert again.control_token == client.control_token
        found = await again.control(f"chats/{person}/messages")
        assert [message["text"] for message in found["messages"]] == ["Hello", "Good morning"]


async def test_another_bot_of_the_same_folder_may_write_to_its_chats(
    start: Start, tmp_path: Path
) -> None:
    async with start("--data", str(tmp_path), "--token", "17:another-bot"):
        pass
    async with start("--data", str(tmp_path), "--name", "Second") as client:
        assert (await client.call("getMe"))["first_name"] == "Second"
        chats = (await client.control("state"))["chats"]
        groups = [chat["id"] for chat in chats if chat["type"] != "private"]
        for chat_id in groups:
            await client.call("sendMessage", chat_id=chat_id, text="Hi")
        assert len(groups) == 2


async def test_the_clock_can_be_moved(start: Start) -> None:
    async with start() as client:
        before = (await client.control("clock", seconds=0))["now"]
        assert (await client.control("clock", seconds=3_600))["now"] >= before + 3_600


async def test_a_folder_or_a_port_in_use_is_refused(start: Start, tmp_path: Path) -> None:
    async with start("--data", str(tmp_path)) as client:
        port = client.url.rpartition(":")[2]
        for arguments, reason in (
            (["--port", "0", "--data", str(tmp_path)], "already running in"),
            (["--port", port], f"port {port} is in use"),
        ):
            with pytest.raises(CannotStart, match=reason):
                await standalone.serve(options.read(arguments))


async def test_a_folder_with_other_data_is_refused(tmp_path: Path) -> None:
    (tmp_path / "world.jsonl").write_text("[[1]]\n")
    with pytest.raises(CannotStart, match="holds no data of this program"):
        await standalone.serve(options.read(["--port", "0", "--data", str(tmp_path)]))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--token", "secret"], "a token is a number"),
        (["--username", "a b"], "a username has"),
        (["--name", " "], "a name has"),
        (["--port", "65536"], "a port is a number"),
        (["--port", "-1"], "a port is a number"),
    ],
)
def test_a_wrong_option_is_refused(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        options.read(arguments)
    assert ended.value.code == 2
    assert sentence in capsys.readouterr().err


async def test_the_program_starts_and_ends_with_ctrl_c(tmp_path: Path) -> None:
    process = await _start_program("--port", "0", "--data", str(tmp_path))
    assert process.stdout
    greeting = (await process.stdout.readline()).decode()
    process.send_signal(signal.SIGINT)
    assert (await process.wait(), greeting[:22]) == (0, "The simulated Telegram")
    again = await _start_program("--port", "0", "--data", "/dev/null")
    _, errors = await again.communicate()
    assert again.returncode == 2
    assert errors.decode().startswith("python -m sandbox.telegram: cannot write in /dev/null")


async def _start_program(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "sandbox.telegram", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )


async def test_the_program_loads_nothing_of_the_product() -> None:
    code = (
        "import sys, sandbox.telegram.__main__\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE, cwd=ROOT
    )
    output, _ = await process.communicate()
    loaded = output.decode().split()
    assert "aiogram" in loaded
    assert not [name for name in loaded if re.fullmatch(FOREIGN, name)]
