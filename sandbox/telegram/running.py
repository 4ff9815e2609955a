"""Run the simulated Telegram inside a program, for example inside a test of a bot."""

import secrets
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from sandbox.telegram import first_chats, folder_lock, ports
from sandbox.telegram.errors import ControlError
from sandbox.telegram.persistence import Json
from sandbox.telegram.server import create_app
from sandbox.telegram.startup_errors import CannotStart
from sandbox.telegram.state import State

_SHUTDOWN_TIMEOUT = 2.0  # seconds that open requests have when the server stops
_BOT_TOKEN = "bot_token"  # noqa: S105 - the name of a setting
_CONTROL_TOKEN = "control_token"  # noqa: S105 - the name of a setting


@dataclass(frozen=True)
class RunningTelegram:
    """The addresses and the tokens of a running server."""

    url: str
    """The address of the Bot API, in place of https://api.telegram.org."""
    bot_token: str
    control_token: str

    @property
    def page_url(self) -> str:
        """Return the address of the page, with its token."""
        return f"{self.url}/?token={self.control_token}"

    async def control(self, path: str, **fields: Any) -> Json:
        """Act as people do: call the control API, with POST if there are fields.

        Raises ControlError with the server's sentence if the act is not possible.
        """
        headers = {"Authorization": f"Bearer {self.control_token}"}
        async with (
            aiohttp.ClientSession(f"{self.url}/control/", headers=headers) as http,
            http.request("POST" if fields else "GET", path, json=fields or None) as response,
        ):
            body: Json = await response.json()
            if not response.ok:
                raise ControlError(body["error"], status=response.status)
            return body


@asynccontextmanager
async def run(
    *,
    folder: Path | None = None,
    port: int = 0,
    token: str | None = None,
    name: str | None = None,
    username: str | None = None,
    strict: bool = False,
) -> AsyncIterator[RunningTelegram]:
    """Serve on a port of this machine until the end of the block.

    Without a folder, the people and chats are gone at the end. The port 0 is any free port. Without
    a token, the bot has the token of the folder, or an invented one. If `strict`, unknown fields
    of calls are refused. Raises CannotStart if the port or the folder cannot be used.
    """
    with ports.listen(port) as listener, _open_state(folder) as state:
        _prepare(state, token)
        state.adopt_bot(_bot_id(state), name=name, username=username)
        first_chats.prepare(state)
        running = RunningTelegram(
            f"http://{ports.HOST}:{ports.port_of(listener)}",
            state.settings[_BOT_TOKEN],
            state.settings[_CONTROL_TOKEN],
        )

        async def move_clock(seconds: float) -> float:
            return state.shift + seconds

        app = create_app(
            state,
            bot_token=running.bot_token,
            control_token=running.control_token,
            move_clock=move_clock,
            strict=strict,
        )
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN_TIMEOUT)
        await runner.setup()
        try:
            await web.SockSite(runner, listener).start()
            yield running
        finally:
            await runner.cleanup()


def invent_token() -> str:
    """Return a new random token in Telegram's form."""
    return f"{5_000_000_000 + secrets.randbelow(1_000_000_000)}:{secrets.token_urlsafe(26)}"


def _prepare(state: State, token: str | None) -> None:
    """Set the tokens. What the folder has of them stays, so that an open page stays valid."""
    state.set(_BOT_TOKEN, token or state.settings.get(_BOT_TOKEN) or invent_token())
    state.set(_CONTROL_TOKEN, state.settings.get(_CONTROL_TOKEN) or secrets.token_urlsafe(24))


def _bot_id(state: State) -> int:
    token: str = state.settings[_BOT_TOKEN]
    return int(token.partition(":")[0])


@contextmanager
def _open_state(folder: Path | None) -> Iterator[State]:
    """Yield the state in a folder, or in a folder that is removed at the end."""
    with tempfile.TemporaryDirectory(prefix="sandbox-telegram-") as temporary:
        used = folder or Path(temporary)
        with folder_lock.lock(used):
            try:
                state = State.load(used)
            except (OSError, ValueError, TypeError) as error:
                raise CannotStart(f"{used} holds no data of this program: {error}") from error
            try:
                yield state
            finally:
                state.close()
