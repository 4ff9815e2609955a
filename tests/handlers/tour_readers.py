"""Let readers of published ads press their links, over a running redirect."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_network

from bot.redirect.keeper import Keeper
from bot.redirect.server import Redirect
from bot.redirect.targets import Targets
from db.session import Sessions
from tests.bot.redirect.test_server import BROWSER, ask, get, serving

PREVIEW = "User-Agent: TelegramBot (like TwitterBot)\r\n"
_TOKEN = re.compile(r"/r/([A-Za-z0-9_-]{22})$")


class Readers:
    """The readers of ads. Each has a network address and a browser of its own."""

    def __init__(self, port: int, keeper: Keeper) -> None:
        """Ask the redirect at this port, which brings its clicks with `keeper`."""
        self._port, self._keeper = port, keeper

    async def click(self, link: str, *, people: int, again: int = 0, programs: int = 0) -> str:
        """Let people open a tracked link, some of them again, and programs too.

        Returns the address to which they are led. The clicks are counted before the return.
        """
        assert await self._keeper.round()
        found = _TOKEN.search(link)
        assert found, link
        addresses = [f"198.51.{n // 250}.{n % 250 + 1}" for n in range(people)]
        visitors = [
            f"{BROWSER}X-Forwarded-For: {address}\r\n" for address in addresses + addresses[:again]
        ]
        led_to = set()
        for headers in visitors + [PREVIEW] * programs:
            head, _ = await ask(self._port, get(f"/r/{found[1]}", headers))
            assert head.startswith("HTTP/1.1 302"), head
            led_to |= {line[10:] for line in head.split("\r\n") if line.startswith("Location: ")}
        assert await self._keeper.round()
        (address,) = led_to
        return address


@asynccontextmanager
async def reading(sessions: Sessions) -> AsyncIterator[Readers]:
    """Run the redirect, and yield the readers."""
    redirect = Redirect(Targets(None), (ip_network("127.0.0.0/8"),))
    async with serving(redirect) as port:
        yield Readers(port, Keeper(redirect, sessions))
