"""Serve the simulated Telegram without a product: for a bot of anybody's, in any language."""

import argparse
import asyncio
import secrets
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aiohttp import web

from sandbox.telegram import first_chats, folder_lock, options, ports
from sandbox.telegram.server import create_app
from sandbox.telegram.startup_errors import CannotStart
from sandbox.telegram.state import State

_SHUTDOWN_TIMEOUT = 2.0  # seconds that open requests have when the server stops
_BOT_TOKEN = "bot_token"  # noqa: S105 - the name of a setting
_CONTROL_TOKEN = "control_token"  # noqa: S105 - the name of a setting


async def serve(chosen: argparse.Namespace) -> None:
    """Serve until SIGINT or SIGTERM.

    Raises CannotStart if the port or the folder cannot be used.
    """
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    with ports.listen(chosen.port) as listener, _open_state(chosen.data) as state:
        _prepare(state, chosen)
        bot_token, control_token = state.settings[_BOT_TOKEN], state.settings[_CONTROL_TOKEN]

        async def move_clock(seconds: float) -> float:
            return state.shift + seconds

        app = create_app(
            state, bot_token=bot_token, control_token=control_token, move_clock=move_clock
        )
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN_TIMEOUT)
        await runner.setup()
        try:
            await web.SockSite(runner, listener).start()
            url = f"http://{ports.HOST}:{ports.port_of(listener)}"
            print(_greeting(url, bot_token, control_token), flush=True)
            await stopped.wait()
        finally:
            await runner.cleanup()


def _prepare(state: State, chosen: argparse.Namespace) -> None:
    """Set the bot, the tokens and the first chats. What a folder has of them stays."""
    token = chosen.token or state.settings.get(_BOT_TOKEN) or options.invent_token()
    state.set(_BOT_TOKEN, token)
    state.set(_CONTROL_TOKEN, state.settings.get(_CONTROL_TOKEN) or secrets.token_urlsafe(24))
    bot_id = int(token.partition(":")[0])
    state.adopt_bot(bot_id, name=chosen.name, username=chosen.username)
    first_chats.prepare(state)


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


def _greeting(url: str, bot_token: str, control_token: str) -> str:
    return f"""The simulated Telegram runs. Ctrl-C stops it.

  page           {url}/?token={control_token}
  Bot API        {url}   in place of https://api.telegram.org
  bot's token    {bot_token}
  control API    {url}/control   with the header Authorization: Bearer {control_token}

Start your bot with this address and this token, open the page, and write to the bot."""
