"""Test the faults that make Bot API calls of the sandbox fail or take longer."""

import asyncio
from typing import Any

import aiohttp
import pytest

from tests.sandbox.telegram.raw_world import BOT_TOKEN, SandboxClient


async def publish(world: SandboxClient, seconds: float = 5) -> tuple[int, bytes]:
    """Send a message to the channel, and return the HTTP status and the body."""
    timeout = aiohttp.ClientTimeout(total=seconds)
    async with (
        aiohttp.ClientSession(timeout=timeout) as http,
        http.post(
            f"{world.url}/bot{BOT_TOKEN}/sendMessage",
            json={"chat_id": world.ids["channel"], "text": "ad"},
        ) as response,
    ):
        return response.status, await response.read()


async def published(world: SandboxClient) -> int:
    return len((await world.see(f"published?chat_id={world.ids['channel']}"))["published"])


async def fault(world: SandboxClient, kind: str, **fields: Any) -> None:
    await world.control("faults", method="sendMessage", kind=kind, **fields)


@pytest.mark.parametrize(("kind", "done"), [("refuse_before", 0), ("cut_after", 1)])
async def test_connection_is_cut_without_an_answer(
    world: SandboxClient, kind: str, done: int
) -> None:
    await fault(world, kind)
    with pytest.raises((aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)):
        await publish(world)
    assert await published(world) == done
    assert (await publish(world))[0] == 200
    assert await published(world) == done + 1


@pytest.mark.parametrize(("kind", "done"), [("timeout_before", 0), ("timeout_after", 1)])
async def test_answer_that_never_comes(world: SandboxClient, kind: str, done: int) -> None:
    await fault(world, kind)
    with pytest.raises(TimeoutError):
        await publish(world, 0.5)
    for _ in range(100):
        if await published(world) == done:
            break
        await asyncio.sleep(0.05)
    assert await published(world) == done
    # The call is not executed a second time, also not later.
    await asyncio.sleep(0.2)
    assert await published(world) == done


@pytest.mark.parametrize(("kind", "done"), [("error", 0), ("error_after", 1)])
async def test_error_before_or_after(world: SandboxClient, kind: str, done: int) -> None:
    await fault(world, kind, error_code=502, description="Bad Gateway")
    status, body = await publish(world)
    assert (status, body) == (
        502,
        b'{"ok":false,"error_code":502,"description":"Bad Gateway"}',
    )
    assert await published(world) == done


async def test_flood_answer(world: SandboxClient) -> None:
    await fault(world, "error", retry_after=7)
    body = await world.answer("sendMessage", chat_id=world.ids["channel"], text="ad")
    assert body["error_code"] == 429
    assert body["description"] == "Too Many Requests: retry after 7"
    assert body["parameters"] == {"retry_after": 7}
    assert await published(world) == 0


async def test_answers_that_are_no_json(world: SandboxClient) -> None:
    await fault(world, "garbage")
    status, body = await publish(world)
    assert status == 200
    with pytest.raises(UnicodeDecodeError):
        body.decode()
    await fault(world, "html_502")
    status, body = await publish(world)
    assert (status, body[:6]) == (502, b"<html>")
    assert await published(world) == 2


async def test_slow_answer(world: SandboxClient) -> None:
    await fault(world, "slow", delay_s=0.3)
    loop = asyncio.get_running_loop()
    began = loop.time()
    assert (await publish(world))[0] == 200
    assert loop.time() - began >= 0.3


async def test_fault_waits_for_its_method_and_chat_and_counts(world: SandboxClient) -> None:
    await fault(world, "error", chat_id=world.ids["channel"], times=2)
    await world.call("getMe")
    await world.call("sendMessage", chat_id=world.ids["advertiser"], text="x")
    assert (await world.see("state"))["faults"][0]["times"] == 2
    assert [(await publish(world))[0] for _ in range(3)] == [500, 500, 200]
    assert (await world.see("state"))["faults"] == []


async def test_faults_are_cleared(world: SandboxClient) -> None:
    await world.control("faults", method="*", kind="error", times=100)
    assert (await world.refused("getMe"))[0] == 500
    await world.control("faults", 200, "DELETE")
    await world.call("getMe")


@pytest.mark.parametrize(
    "body",
    [
        {"method": "sendMessage", "kind": "explode"},
        {"method": "sendMesage", "kind": "error"},
        {"kind": "error"},
        {"method": "sendMessage", "kind": "error", "times": 0},
        {"method": "sendMessage", "kind": "error", "chat": 1},
    ],
)
async def test_fault_that_makes_no_sense(world: SandboxClient, body: dict[str, Any]) -> None:
    answered = await world.control("faults", 400, **body)
    assert answered["error"]
    assert (await world.see("state"))["faults"] == []
