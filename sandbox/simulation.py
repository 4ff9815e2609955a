"""A Telegram of our own in a folder: its world, its keys, its server."""

import asyncio
import importlib
import json
import secrets
import socket
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from aiohttp import web

from sandbox import folders, ports, small_world
from sandbox.state import BOT_USERNAME, State

_FAREWELL = 2.0  # seconds for requests under way when the server stops
_LOOK = 0.05


@dataclass(frozen=True)
class Keys:
    """What stays the same from start to start, so that an open page goes on working."""

    bot_token: str
    control_token: str
    port: int


class Simulation:
    """The world of a folder and the server that shows it to the bot and to people."""

    def __init__(self, folder: Path, asked_port: int) -> None:
        """Open the world and take the port. Raises CannotStart if the one asked for is in use.

        From now on the port accepts connections, which wait until `serve`.
        """
        path = folder / "keys.json"
        keys = _keys(path)
        self._listener: socket.socket = ports.listen(asked_port, keys.port)
        self._runner: web.AppRunner | None = None
        self.keys = replace(keys, port=ports.number(self._listener))
        folders.write_private(path, json.dumps(asdict(self.keys)))
        self.url = f"http://{ports.HOST}:{self.keys.port}"
        (folder / "telegram").mkdir(mode=0o700, exist_ok=True)
        self.state = State.load(folder / "telegram")
        self.state.adopt_bot(int(self.keys.bot_token.partition(":")[0]))
        self.world = small_world.of(self.state)
        self.state.set("polled", value=False)
        self.state.commit()

    @property
    def page_url(self) -> str:
        """The page, with the key to it."""
        return f"{self.url}/?token={self.keys.control_token}"

    def settings(self) -> dict[str, str]:
        """By which the bot finds this Telegram instead of the real one."""
        return {
            "BOT_TOKEN": self.keys.bot_token,
            "BOT_API_URL": self.url,
            "ADMIN_CHAT_ID": str(self.world.admin_chat_id),
            "SUPER_ADMIN_IDS": str(self.world.admin),
        }

    def facts(self) -> dict[str, Any]:
        """What a program needs to act in this world."""
        return {
            "page_url": self.page_url,
            "control_url": f"{self.url}/control",
            "control_token": self.keys.control_token,
            "bot_api_url": self.url,
            "bot_token": self.keys.bot_token,
            "bot_username": BOT_USERNAME,
            "admin_chat_id": self.world.admin_chat_id,
            "people": self.world.people,
            "channel_id": self.world.channel_id,
        }

    async def serve(self, *, clock_shift: float, move_clock: Any, processes: Any) -> None:
        """Answer from now on.

        The server and aiogram behind it are loaded here and not at the top: that takes seconds,
        in which the bot and the scheduler, started before, load theirs.
        """
        self.state.set("clock_shift", clock_shift)
        self.state.commit()
        server = importlib.import_module("sandbox.server")
        app = server.create_app(
            self.state,
            bot_token=self.keys.bot_token,
            control_token=self.keys.control_token,
            move_clock=move_clock,
            processes=processes,
        )
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=_FAREWELL)
        await self._runner.setup()
        await web.SockSite(self._runner, self._listener).start()

    async def until_polled(self) -> None:
        """Wait until the bot has asked for updates."""
        while not self.state.settings.get("polled"):  # noqa: ASYNC110 - at a start alone
            await asyncio.sleep(_LOOK)

    async def close(self) -> None:
        """End the server and close the world's files."""
        if self._runner is not None:
            await self._runner.cleanup()
        self._listener.close()
        self.state.close()


def _keys(path: Path) -> Keys:
    if path.exists():
        return Keys(**json.loads(path.read_text()))
    bot_id = 5_000_000_000 + secrets.randbelow(1_000_000_000)
    return Keys(f"{bot_id}:{secrets.token_urlsafe(26)}", secrets.token_urlsafe(24), port=0)
