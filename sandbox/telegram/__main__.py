"""Run a Bot API server and its page with `python -m sandbox.telegram`."""

import argparse
import asyncio
import signal
import sys

from sandbox.telegram import options
from sandbox.telegram.running import RunningTelegram, run
from sandbox.telegram.startup_errors import CannotStart


def main() -> None:
    """Serve until a signal, or print one line on stderr and exit with status 2."""
    try:
        asyncio.run(_serve(options.read()))
    except CannotStart as error:
        print(f"{options.PROGRAM}: {error} (--help lists the options)", file=sys.stderr)
        raise SystemExit(2) from error


async def _serve(chosen: argparse.Namespace) -> None:
    """Serve until SIGINT or SIGTERM."""
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with run(
        folder=chosen.data,
        port=chosen.port,
        token=chosen.token,
        name=chosen.name,
        username=chosen.username,
        strict=chosen.strict,
    ) as telegram:
        print(_greeting(telegram), flush=True)
        await stopped.wait()


def _greeting(telegram: RunningTelegram) -> str:
    return f"""The simulated Telegram runs. Ctrl-C stops it.

  page           {telegram.page_url}
  Bot API        {telegram.url}   in place of https://api.telegram.org
  bot's token    {telegram.bot_token}
  control API    {telegram.url}/control   with Authorization: Bearer {telegram.control_token}

Start your bot with this address and this token, open the page, and write to the bot."""


if __name__ == "__main__":
    main()
