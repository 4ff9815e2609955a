"""Answer requests for tracked links. Everybody on the internet can send requests here."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, cast

import structlog
from aiohttp import web

from bot.redirect import metrics, visitors
from bot.redirect.click_rules import is_program
from bot.redirect.clicks import Salts, WaitingClicks
from bot.redirect.targets import Targets
from bot.redirect.visitors import Network

MOST_CONNECTIONS = 2_000
HEAD_SECONDS = 10.0
"""A connection that has sent no whole request after this time is closed."""
KEEPALIVE_SECONDS = 15.0
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "Referrer-Policy": "no-referrer",
    "Server": "redirect",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
}
_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{status}</title>
<style>body{{font:1.1em/1.5 sans-serif;max-width:34em;margin:15vh auto;padding:0 1em}}</style>
<h1>{status}</h1>{words}
"""
_UNKNOWN = _PAGE.format(
    status=404,
    words="<p>This link does not lead anywhere, or does not work any more. Close this page.</p>"
    '<p lang="ru">Эта ссылка никуда не ведёт или больше не работает. Закройте эту страницу.</p>',
)
_REFUSED = _PAGE.format(
    status="Refused",
    words='<p>This request cannot be answered.</p><p lang="ru">Этот запрос не принят.</p>',
)

log = structlog.get_logger(__name__)


@dataclass
class Clock:
    """The time of the database, which goes on by the clock of the machine while it is away."""

    ahead: float = 0.0
    """How many seconds the database is ahead of the machine."""

    def now(self) -> datetime:
        """Return the present time in UTC."""
        return datetime.fromtimestamp(datetime.now(UTC).timestamp() + self.ahead, UTC)

    def set(self, moment: datetime) -> None:
        """Follow the database, whose time is `moment`."""
        self.ahead = moment.timestamp() - datetime.now(UTC).timestamp()


@dataclass
class Redirect:
    """The state of the redirect. It needs no database to answer."""

    targets: Targets
    trusted_proxies: Sequence[Network] = ()
    clock: Clock = field(default_factory=Clock)
    salts: Salts = field(default_factory=Salts)

    def __post_init__(self) -> None:
        """Begin without clicks."""
        self.clicks = WaitingClicks(self.salts)

    async def answer(self, request: web.BaseRequest) -> web.Response:
        """Lead to the target of a tracked link, and keep the click. Nothing of it is repeated."""
        if request.method not in {"GET", "HEAD"}:
            metrics.REQUESTS.labels("refused").inc()
            return refusal(HTTPStatus.METHOD_NOT_ALLOWED, Allow="GET, HEAD")
        now = self.clock.now()
        target = self.targets.find(request.raw_path, now)
        if target is None:
            metrics.REQUESTS.labels("unknown").inc()
            return _page(HTTPStatus.NOT_FOUND, _UNKNOWN)
        metrics.REQUESTS.labels("redirected").inc()
        self._count(request, target.target_id, now)
        return web.Response(
            status=HTTPStatus.FOUND, headers=HEADERS | {"Location": target.location}
        )

    def _count(self, request: web.BaseRequest, target_id: int, now: datetime) -> None:
        headers = request.headers
        if is_program(request.method, headers):
            self.clicks.add_program(target_id, now.date())
            return
        address = visitors.client_address(
            request.remote or "", headers.getall("X-Forwarded-For", []), self.trusted_proxies
        )
        self.clicks.add_person(target_id, now.date(), address, headers["User-Agent"])


def refusal(status: HTTPStatus, **headers: str) -> web.Response:
    """Return the page of a request that is no request for a link, and end the connection."""
    page = _page(status, _REFUSED, **headers)
    page.force_close()
    return page


def _page(status: HTTPStatus, text: str, **headers: str) -> web.Response:
    return web.Response(
        status=status, text=text, content_type="text/html", headers=HEADERS | headers
    )


class _Connection(web.RequestHandler):
    """A connection that must send its first request soon, and gets no words of it back."""

    __slots__ = ("_deadline", "_server")

    def __init__(self, server: "Server", **options: Any) -> None:
        super().__init__(server, **options)
        self._server = server
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if len(self._server.connections) >= MOST_CONNECTIONS:
            cast("asyncio.Transport", transport).abort()
            return
        super().connection_made(transport)
        loop = asyncio.get_running_loop()
        self._deadline = loop.call_later(HEAD_SECONDS, self._close_if_silent)

    def connection_lost(self, exc: BaseException | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            super().connection_lost(exc)

    def _close_if_silent(self) -> None:
        if self._request_count == 0:
            self.force_close()

    def handle_error(
        self,
        request: web.BaseRequest,  # noqa: ARG002 - aiohttp passes it
        status: int = HTTPStatus.INTERNAL_SERVER_ERROR,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - it can repeat the request
    ) -> web.StreamResponse:
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            log.error("Worker error", exc_info=exc)
        metrics.REQUESTS.labels("refused").inc()
        return refusal(HTTPStatus(status))


class Server(web.Server):
    """The server of the redirect, with a limit for the number of connections."""

    def __init__(self, redirect: Redirect) -> None:
        """Prepare the server in the running event loop."""
        super().__init__(redirect.answer)

    def __call__(self) -> web.RequestHandler:
        """Return the handler of a new connection."""
        return _Connection(
            self,
            loop=asyncio.get_running_loop(),
            access_log=None,
            keepalive_timeout=KEEPALIVE_SECONDS,
            lingering_time=0.0,
        )
