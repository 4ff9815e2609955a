"""Test the delivery of updates to a webhook.

The rules are those of WebhookActor in tdlib/telegram-bot-api: `handle` for the answers and
`on_update_error` for the times of a repetition.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web

from tests.sandbox.telegram.raw_world import Json, SandboxClient

Answer = Callable[[Json], web.Response]


@dataclass
class Receiver:
    """A bot's webhook, with the requests that it got."""

    url: str = ""
    got: list[Json] = field(default_factory=list)
    secrets: set[str] = field(default_factory=set)
    times: list[float] = field(default_factory=list)

    def texts(self) -> list[str]:
        """Return the texts of the messages, in the order of the requests."""
        return [update["message"]["text"] for update in self.got]

    async def wait(self, count: int) -> None:
        """Wait until there were `count` requests."""
        async with asyncio.timeout(15):
            while len(self.got) < count:
                await asyncio.sleep(0.02)


@asynccontextmanager
async def receiver(answer: Answer) -> AsyncIterator[Receiver]:
    """Serve a webhook, which answers each update with `answer`."""
    hook = Receiver()

    async def take(request: web.Request) -> web.Response:
        hook.secrets.add(request.headers.get("X-Telegram-Bot-Api-Secret-Token", ""))
        hook.times.append(time.monotonic())
        hook.got.append(await request.json())
        return answer(hook.got[-1])

    app = web.Application()
    app.router.add_post("/hook", take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    hook.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    try:
        yield hook
    finally:
        await runner.cleanup()


async def pending(world: SandboxClient, expected: int) -> Json:
    """Wait until so many updates are pending, and return the information about the webhook."""
    async with asyncio.timeout(15):
        while True:
            info: Json = await world.call("getWebhookInfo")
            if info["pending_update_count"] == expected:
                return info
            await asyncio.sleep(0.02)


async def test_webhook_is_repeated_until_2xx_and_in_order(world: SandboxClient) -> None:
    answers = [500, 302]

    def answer(_: Json) -> web.Response:
        return web.Response(status=answers.pop(0) if answers else 200)

    async with receiver(answer) as hook:
        await world.call("setWebhook", url=hook.url, secret_token="s3cret", max_connections=200)
        await world.say("one")
        await world.say("two")
        info = await pending(world, 0)
        assert hook.texts() == ["one", "one", "one", "two"]
        assert hook.secrets == {"s3cret"}
        assert (info["url"], info["max_connections"]) == (hook.url, 100)
        assert info["last_error_message"] == "Wrong response from the webhook: 302 Found"
        assert await world.refused("getUpdates") == (
            409,
            (
                "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook "
                "to delete the webhook first"
            ),
        )
        await world.call("deleteWebhook")
        await world.say("three")
        assert len(await world.updates()) == 1


async def test_failing_update_holds_up_only_its_own_chat(world: SandboxClient) -> None:
    def answer(update: Json) -> web.Response:
        return web.Response(status=500 if update["message"]["text"] == "broken" else 200)

    async with receiver(answer) as hook:
        await world.say("/start", "owner")
        await world.updates()
        await world.say("broken")
        await world.say("behind it")
        await world.say("of another chat", "owner")
        await world.call("setWebhook", url=hook.url)
        await pending(world, 2)
        assert "of another chat" in hook.texts()
        assert "behind it" not in hook.texts()
        await world.call("deleteWebhook", drop_pending_updates=True)


async def test_webhook_says_when_the_update_is_sent_again(world: SandboxClient) -> None:
    def answer(_: Json) -> web.Response:
        is_first = len(hook.got) == 1
        return (
            web.Response(status=429, headers={"Retry-After": "1"}) if is_first else web.Response()
        )

    async with receiver(answer) as hook:
        await world.call("setWebhook", url=hook.url)
        await world.say("x")
        await pending(world, 0)
        first, second = hook.times
        assert second - first >= 1


def _as_json(fields: Json) -> web.Response:
    return web.json_response(fields)


def _as_form(fields: Json) -> web.Response:
    text = "&".join(f"{name}={value}" for name, value in fields.items())
    return web.Response(text=text, content_type="application/x-www-form-urlencoded")


@pytest.mark.parametrize("form", [_as_json, _as_form])
async def test_method_in_the_answer_is_carried_out(
    world: SandboxClient, form: Callable[[Json], web.Response]
) -> None:
    person = world.ids["advertiser"]
    fields: dict[str, Any] = {"method": "SendMessage", "chat_id": person, "text": "answered"}
    async with receiver(lambda _: form(fields)) as hook:
        await world.call("setWebhook", url=hook.url)
        await world.say("x")
        await pending(world, 0)
        shown = (await world.see(f"chats/{person}/messages"))["messages"]
        assert shown[-1]["text"] == "answered"


@pytest.mark.parametrize(
    "body",
    [
        b"ok",
        b'{"method": "deleteWebhook"}',
        b'{"method": "getUpdates"}',
        b'{"method": "no such"}',
        b'{"method": "sendMessage", "chat_id": 1}',
        b'{"method": "sendMessage", "chat_id": 1, "text": "a\\ud83d"}',
        json.dumps({"method": {"deep": [1]}}).encode(),
    ],
)
async def test_other_answers_only_confirm_the_update(world: SandboxClient, body: bytes) -> None:
    def answer(_: Json) -> web.Response:
        return web.Response(body=body, content_type="application/json")

    async with receiver(answer) as hook:
        await world.call("setWebhook", url=hook.url)
        await world.say("x")
        info = await pending(world, 0)
        assert info["url"] == hook.url
        assert hook.texts() == ["x"]


@pytest.mark.parametrize("url", ["http://[", "ftp://a", "a"])
async def test_address_of_a_webhook_must_be_a_web_address(world: SandboxClient, url: str) -> None:
    refusal = (400, "Bad Request: bad webhook: invalid webhook URL specified")
    assert await world.refused("setWebhook", url=url) == refusal


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "http://a:99999/", "http://\x00/"])
async def test_webhook_that_cannot_be_reached_holds_nothing_up(
    world: SandboxClient, url: str
) -> None:
    await world.call("setWebhook", url=url)
    await world.say("x")
    async with asyncio.timeout(15):
        while not (await world.call("getWebhookInfo")).get("last_error_message"):
            await asyncio.sleep(0.02)
    await world.call("deleteWebhook")
    assert len(await world.updates()) == 1
