"""Test the simulated Telegram on its own, without the product."""

import asyncio
import re
import signal
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from sandbox.telegram import options
from sandbox.telegram.errors import ControlError
from sandbox.telegram.running import RunningTelegram, run
from sandbox.telegram.startup_errors import CannotStart
from tests.conftest import ROOT

TOKEN = "4242:a-token_of-a-bot"
FOREIGN = "bot|handlers|services|db|scheduler|sqlalchemy|asyncpg|redis"


async def call(telegram: RunningTelegram, method: str, **fields: Any) -> Any:
    """Call a method of the Bot API, which must succeed."""
    url = f"{telegram.url}/bot{telegram.bot_token}/{method}"
    async with aiohttp.ClientSession() as http, http.post(url, json=fields) as response:
        body = await response.json()
        assert body["ok"], body
        return body["result"]


async def test_a_person_and_a_bot_talk_and_the_folder_keeps_it(tmp_path: Path) -> None:
    async with run(folder=tmp_path, token=TOKEN, username="my_first_bot") as telegram:
        async with aiohttp.ClientSession() as http, http.get(telegram.page_url) as page:
            assert "<html" in await page.text()
        me = await call(telegram, "getMe")
        assert (me["id"], me["first_name"], me["username"]) == (4242, "Bot", "my_first_bot")
        person = (await telegram.control("state"))["people"][0]["id"]
        await telegram.control(f"users/{person}/send", chat_id=person, text="Hello")
        joined, posting, written = await call(telegram, "getUpdates")
        assert joined["my_chat_member"]["chat"]["type"] == "supergroup"
        assert posting["my_chat_member"]["chat"]["type"] == "channel"
        assert written["message"]["text"] == "Hello"
        await call(telegram, "sendMessage", chat_id=person, text="Good morning")
    async with run(folder=tmp_path) as again:
        assert (again.bot_token, again.control_token) == (TOKEN, telegram.control_token)
        assert (await call(again, "getMe"))["username"] == "my_first_bot"
        found = await again.control(f"chats/{person}/messages")
        assert [message["text"] for message in found["messages"]] == ["Hello", "Good morning"]


async def test_another_bot_of_the_same_folder_may_write_to_its_chats(tmp_path: Path) -> None:
    async with run(folder=tmp_path):
        pass
    async with run(folder=tmp_path, token=TOKEN, name="Second") as telegram:
        assert (await call(telegram, "getMe"))["first_name"] == "Second"
        chats = (await telegram.control("state"))["chats"]
        groups = [chat["id"] for chat in chats if chat["type"] != "private"]
        for chat_id in groups:
            await call(telegram, "sendMessage", chat_id=chat_id, text="Hi")
        assert len(groups) == 2


async def test_the_clock_can_be_moved() -> None:
    async with run() as telegram:
        before = (await telegram.control("clock", seconds=0))["now"]
        assert (await telegram.control("clock", seconds=3_600))["now"] >= before + 3_600


async def test_an_impossible_act_is_refused_with_a_sentence() -> None:
    async with run() as telegram:
        with pytest.raises(ControlError, match="there is no such person") as refused:
            await telegram.control("users/1/send", chat_id=1, text="Hello")
    assert refused.value.status == 404


async def test_a_folder_or_a_port_in_use_is_refused(tmp_path: Path) -> None:
    async with run(folder=tmp_path) as telegram:
        port = int(telegram.url.rpartition(":")[2])
        with pytest.raises(CannotStart, match="already running in"):
            await run(folder=tmp_path).__aenter__()
        with pytest.raises(CannotStart, match=f"port {port} is in use"):
            await run(port=port).__aenter__()


async def test_a_folder_with_other_data_is_refused(tmp_path: Path) -> None:
    (tmp_path / "world.jsonl").write_text("[[1]]\n")
    with pytest.raises(CannotStart, match="holds no data of this program"):
        await run(folder=tmp_path).__aenter__()


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


def test_the_options_are_read() -> None:
    arguments = ["--token", TOKEN, "--username", "@my_bot", "--name", "My bot", "--data", "kept"]
    arguments.append("--strict")
    assert vars(options.read(arguments)) == {
        "token": TOKEN,
        "username": "my_bot",
        "name": "My bot",
        "port": options.DEFAULT_PORT,
        "data": Path("kept"),
        "strict": True,
    }


async def test_the_program_starts_and_ends_with_ctrl_c(tmp_path: Path) -> None:
    process = await _start_program("--data", str(tmp_path), "--token", TOKEN)
    assert process.stdout
    greeting = "".join([(await process.stdout.readline()).decode() for _ in range(8)])
    for pattern in (r"page +http://127\.0\.0\.1:\d+/\?token=\S+", TOKEN, "Ctrl-C stops it"):
        assert re.search(pattern, greeting)
    process.send_signal(signal.SIGINT)
    assert await process.wait() == 0
    again = await _start_program("--data", "/dev/null")
    _, errors = await again.communicate()
    assert again.returncode == 2
    assert errors.decode().startswith("python -m sandbox.telegram: cannot write in /dev/null")


async def _start_program(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "sandbox.telegram", "--port", "0", *arguments),
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
