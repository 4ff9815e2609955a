"""Let tests send plain HTTP requests to the sandbox."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from sandbox.telegram.control.request import MoveClock, Processes, StartOver
from sandbox.telegram.guide import GuideStep
from sandbox.telegram.server import create_app
from sandbox.telegram.state import State

BOT_TOKEN = "424242:sandbox-token_of-the-tests"
CONTROL_TOKEN = "control-token"
Json = dict[str, Any]
WOKEN_SECONDS = 15
"""The seconds within which a change must end a waiting call."""


@dataclass
class SandboxClient:
    """A client for the Bot API and the control API of a running server."""

    state: State
    url: str
    http: aiohttp.ClientSession
    ids: dict[str, int] = field(default_factory=dict)

    async def answer(self, method: str, token: str = BOT_TOKEN, **fields: Any) -> Json:
        """Call a Bot API method, and return the whole JSON answer."""
        url = f"{self.url}/bot{token}/{method}"
        async with self.http.post(url, json=fields) as response:
            body: Json = await response.json()
            assert response.status == body.get("error_code", 200)
            return body

    async def call(self, method: str, **fields: Any) -> Any:
        """Call a Bot API method that must succeed, and return its result."""
        body = await self.answer(method, **fields)
        assert body["ok"], body
        return body["result"]

    async def refused(self, method: str, **fields: Any) -> tuple[int, str]:
        """Call a Bot API method that must fail, and return the error's code and text."""
        body = await self.answer(method, **fields)
        assert body["ok"] is False
        assert "result" not in body
        return body["error_code"], body["description"]

    async def control(
        self, path: str, expected: int = 200, verb: str = "POST", /, **body: Any
    ) -> Json:
        """Call the control API, check the HTTP status, and return the answer."""
        headers = {"Authorization": f"Bearer {CONTROL_TOKEN}"}
        url = f"{self.url}/control/{path}"
        async with self.http.request(
            verb, url, json=body if verb == "POST" else None, headers=headers
        ) as response:
            answered: Json = await response.json()
            assert response.status == expected, answered
            return answered

    async def see(self, path: str, expected: int = 200, /) -> Json:
        """Send a GET request to the control API and return the answer."""
        return await self.control(path, expected, "GET")

    async def updates(self, *, confirm: bool = True) -> list[Json]:
        """Return the bot's waiting updates, and confirm them if `confirm` is true."""
        found: list[Json] = await self.call("getUpdates", timeout=0)
        if found and confirm:
            await self.call("getUpdates", offset=found[-1]["update_id"] + 1, timeout=0)
        return found

    async def promote(self, **rights: bool) -> None:
        """Make the bot an administrator of the channel with exactly these rights."""
        await self.control(
            f"chats/{self.ids['channel']}/members",
            user_id="bot",
            status="administrator",
            **rights,
        )

    async def populate(self) -> None:
        """Create the people and chats that most tests need."""
        for name in ("Advertiser", "Owner", "Admin"):
            person = await self.control("users", first_name=name)
            self.ids[name.lower()] = person["id"]
        channel = await self.control("channels", owner_id=self.ids["owner"], title="Daily")
        self.ids["channel"] = channel["id"]
        await self.promote(can_post_messages=True)
        group = await self.control(
            "groups", owner_id=self.ids["admin"], title="Moderation", member_ids=["bot"]
        )
        self.ids["group"] = group["id"]
        await self.say("/start")
        await self.updates()

    async def say(self, text: str, who: str = "advertiser", **more: Any) -> Json:
        """Write to the bot in the private chat of the person `who`."""
        return await self.control(
            f"users/{self.ids[who]}/send", chat_id=self.ids[who], text=text, **more
        )


@contextlib.asynccontextmanager
async def begin(
    folder: Path,
    *,
    move_clock: MoveClock | None = None,
    processes: Processes | None = None,
    guide: Sequence[GuideStep] = (),
    start_over: StartOver | None = None,
    strict: bool = True,
) -> AsyncIterator[SandboxClient]:
    """Serve a sandbox with the data in `folder`, and yield a client."""
    state = State.load(folder)
    app = create_app(
        state,
        bot_token=BOT_TOKEN,
        control_token=CONTROL_TOKEN,
        move_clock=move_clock,
        processes=processes,
        guide=guide,
        start_over=start_over,
        strict=strict,
    )
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        async with aiohttp.ClientSession() as http:
            yield SandboxClient(state, f"http://127.0.0.1:{port}", http)
    finally:
        await runner.cleanup()
        state.close()
