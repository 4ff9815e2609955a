"""Pass the webhook's requests on to the bots, as the proxy of an installation does."""

import itertools
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

import aiohttp
import trustme
from aiohttp import web

from sandbox.telegram import ports

PATH = "/telegram"
_TIMEOUT = aiohttp.ClientTimeout(total=30)


@dataclass
class Balancer:
    """A proxy with a certificate that asks the bots in turn.

    If no bot takes a request, the answer is 502, and Telegram sends the update again.
    """

    url: str
    authority: Path
    """The file of the authority that has signed the certificate."""
    bots: list[int] = field(default_factory=list)
    """The ports of the bots that get requests."""
    passed_on: int = 0
    refused: int = 0
    _turns: Iterator[int] = field(default_factory=itertools.count)

    async def handle(self, request: web.Request) -> web.Response:
        """Pass a request on to one bot, and return its answer."""
        body = await request.read()
        headers = {k: v for k, v in request.headers.items() if k.lower().startswith("x-")}
        headers["Content-Type"] = "application/json"
        if self.bots:
            port = self.bots[next(self._turns) % len(self.bots)]
            url = f"http://{ports.HOST}:{port}{request.path}"
            try:
                async with (
                    aiohttp.ClientSession(timeout=_TIMEOUT) as http,
                    http.post(url, data=body, headers=headers) as answer,
                ):
                    self.passed_on += answer.ok
                    return web.Response(status=answer.status, body=await answer.read())
            except (aiohttp.ClientError, TimeoutError):
                pass  # Telegram sends the update again
        self.refused += 1
        return web.Response(status=HTTPStatus.BAD_GATEWAY)


@asynccontextmanager
async def serve(folder: Path) -> AsyncIterator[Balancer]:
    """Run a balancer on a free port of this machine, and yield it."""
    authority = trustme.CA()
    certificate = authority.issue_cert(ports.HOST)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(context)
    file = folder / "authority.pem"
    authority.cert_pem.write_to_path(str(file))
    listener = ports.listen(0)
    balancer = Balancer(f"https://{ports.HOST}:{ports.port_of(listener)}{PATH}", file)
    app = web.Application()
    app.router.add_post(PATH, balancer.handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.SockSite(runner, listener, ssl_context=context).start()
        yield balancer
    finally:
        await runner.cleanup()
