"""Run a simulated Telegram, with its state, tokens and port in a folder."""

import asyncio
import importlib
import json
import secrets
import socket
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from aiohttp import web
from cryptography.fernet import Fernet

from sandbox import first_world, folders, guide_steps, seed_data
from sandbox.telegram import ports
from sandbox.telegram.running import invent_token
from sandbox.telegram.state import State

BOT_NAME = "Ad marketplace"
BOT_USERNAME = "adtech_sandbox_bot"

_SHUTDOWN_TIMEOUT = 2.0  # seconds that open requests have when the server stops
_POLL_INTERVAL = 0.05


@dataclass(frozen=True)
class Keys:
    """The stored tokens and the last port of a simulated Telegram."""

    bot_token: str
    control_token: str
    port: int
    destination_key: str = field(default_factory=lambda: Fernet.generate_key().decode())
    """The key that encrypts payout addresses. Older folders have none."""


class Simulation:
    """A simulated Telegram with a stored state and an HTTP server."""

    def __init__(
        self,
        folder: Path,
        asked_port: int,
        bot_api_url: str = "",
        *,
        strict: bool = False,
        with_first_world: bool = False,
    ) -> None:
        """Load the state and listen on a port.

        If `asked_port` is 0, the port of the last start is preferred. The bot calls Telegram at
        `bot_api_url`, which has to lead to this port; "" means this port itself. If `strict`, calls
        with unknown fields are refused. With a first world, a new state has more people and
        channels (`first_world`). Raises CannotStart if the port `asked_port` is in use.
        """
        path = folder / "keys.json"
        keys = _load_or_create_keys(path)
        self._listener: socket.socket = ports.listen(asked_port, keys.port)
        self._runner: web.AppRunner | None = None
        self._strict = strict
        self.keys = replace(keys, port=ports.port_of(self._listener))
        folders.write_private(path, json.dumps(asdict(self.keys)))
        self.url = f"http://{ports.HOST}:{self.keys.port}"
        self._bot_api_url = bot_api_url or self.url
        (folder / "telegram").mkdir(mode=0o700, exist_ok=True)
        self.state = State.load(folder / "telegram")
        bot_id = int(self.keys.bot_token.partition(":")[0])
        self.state.adopt_bot(bot_id, name=BOT_NAME, username=BOT_USERNAME)
        is_new = not self.state.chats
        self.seeds = seed_data.load_or_create(self.state)
        if with_first_world and is_new:
            first_world.create(self.state, self.seeds.channel_id)
        self.state.set("polled", value=False)
        self.state.commit()

    @property
    def page_url(self) -> str:
        """Return the address of the web page, with the page's token."""
        return f"{self.url}/?token={self.keys.control_token}"

    def settings(self) -> dict[str, str]:
        """Return the settings that connect the bot to this server."""
        return {
            "BOT_TOKEN": self.keys.bot_token,
            "BOT_API_URL": self._bot_api_url,
            "ADMIN_CHAT_ID": str(self.seeds.admin_chat_id),
            "SUPER_ADMIN_IDS": ",".join(map(str, self.seeds.super_admins)),
            "DESTINATION_KEYS": self.keys.destination_key,
        }

    def facts(self) -> dict[str, Any]:
        """Return the addresses, tokens and ids for programs that use this simulation."""
        return {
            "page_url": self.page_url,
            "control_url": f"{self.url}/control",
            "control_token": self.keys.control_token,
            "bot_api_url": self.url,
            "bot_token": self.keys.bot_token,
            "bot_username": BOT_USERNAME,
            "admin_chat_id": self.seeds.admin_chat_id,
            "people": self.seeds.people,
            "channel_id": self.seeds.channel_id,
        }

    async def serve(
        self, *, clock_shift: float, move_clock: Any, processes: Any, start_over: Any
    ) -> None:
        """Start to answer requests.

        `clock_shift` is how many seconds the database's clock is ahead of the real time. If
        `start_over` is None, the page does not offer it.
        """
        self.state.set("clock_shift", clock_shift)
        self.state.commit()
        # This import takes seconds. The bot and the scheduler were started before, so they
        # load their own modules at the same time.
        server = importlib.import_module("sandbox.telegram.server")
        app = server.create_app(
            self.state,
            bot_token=self.keys.bot_token,
            control_token=self.keys.control_token,
            move_clock=move_clock,
            processes=processes,
            start_over=start_over,
            guide=guide_steps.build(self.seeds),
            strict=self._strict,
        )
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN_TIMEOUT)
        await self._runner.setup()
        await web.SockSite(self._runner, self._listener).start()

    async def fill_first_world(self) -> None:
        """Let the people of the first world tell the bot what it does not know yet."""
        if first_world.is_unfinished(self.state):
            await first_world.fill(self.state, self.facts())

    async def wait_for_first_poll(self) -> None:
        """Wait until the bot has asked for updates."""
        while not self.state.settings.get("polled"):  # noqa: ASYNC110 - only while starting
            await asyncio.sleep(_POLL_INTERVAL)

    async def close(self) -> None:
        """Stop the server and close the files of the state."""
        if self._runner is not None:
            await self._runner.cleanup()
        self._listener.close()
        self.state.close()


def _load_or_create_keys(path: Path) -> Keys:
    if path.exists():
        return Keys(**json.loads(path.read_text()))
    return Keys(invent_token(), secrets.token_urlsafe(24), port=0)
