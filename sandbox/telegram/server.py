"""Build the HTTP application with the Bot API, the control API and the web page."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from pathlib import Path

from aiohttp import web

from sandbox.telegram import passing_time
from sandbox.telegram.api import BotApi
from sandbox.telegram.control import routes
from sandbox.telegram.control.request import ControlContext, MoveClock, Processes, StartOver
from sandbox.telegram.guide import Guide, GuideStep
from sandbox.telegram.state import State
from sandbox.telegram.updates import UpdateDelivery

WEB = Path(__file__).parent / "web"
CONTENT_TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
MAX_REQUEST = 60 * 1024 * 1024
# The page shows texts of unknown authors. Therefore the page loads nothing from other sites,
# sends nothing to other sites, and cannot be embedded in another page.
SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' blob:; media-src 'self' blob:; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'; object-src 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def create_app(
    state: State,
    *,
    bot_token: str,
    control_token: str,
    move_clock: MoveClock | None = None,
    processes: Processes | None = None,
    guide: Sequence[GuideStep] = (),
    start_over: StartOver | None = None,
    strict: bool = False,
) -> web.Application:
    """Build the HTTP application of the simulated Telegram.

    The application must listen only on the loopback interface. Close `state` after the application
    has ended. `move_clock` takes a move and returns the total shift, both in seconds. If
    `move_clock`, `processes` or `start_over` is None, the control API refuses requests that need
    it. `guide` has the steps that the page shows to newcomers. If `strict`, the Bot API refuses
    calls with unknown fields, which Telegram ignores.
    """
    state.adopt_bot(int(bot_token.partition(":")[0]))
    delivery = UpdateDelivery(state)
    api = BotApi(state, delivery, bot_token, strict)
    app = web.Application(client_max_size=MAX_REQUEST)
    # A token may have characters that a route's pattern does not match, so the API parses the
    # path itself.
    app.router.add_route("*", "/{bot:bot[^/]+}/{method:.*}", api.handle)
    app.router.add_get("/file/{bot:bot[^/]+}/{path:.*}", api.download)
    context = ControlContext(
        state, control_token, move_clock, processes, Guide(state, guide), start_over
    )
    routes.add_routes(app, context)
    for path in WEB.iterdir():
        address = "/" if path.name == "index.html" else f"/{path.name}"
        app.router.add_get(address, _page_file(path))
    app.router.add_get("/favicon.ico", _no_favicon)
    app.on_response_prepare.append(_add_security_headers)
    app.cleanup_ctx.append(_run_until_end(delivery.webhook.run(api.carry_out)))
    app.cleanup_ctx.append(_run_until_end(passing_time.run(state)))
    app.on_shutdown.append(lambda _: _end_long_polls(state))
    return app


def _page_file(path: Path) -> Handler:
    content, content_type = path.read_bytes(), CONTENT_TYPES[path.suffix]

    async def serve(_: web.Request) -> web.Response:
        return web.Response(body=content, content_type=content_type, charset="utf-8")

    return serve


async def _no_favicon(_: web.Request) -> web.Response:
    return web.Response(status=204)


async def _add_security_headers(request: web.Request, response: web.StreamResponse) -> None:
    if not request.path.startswith(("/bot", "/file/")):
        response.headers.update(SECURITY_HEADERS)


def _run_until_end(
    work: Coroutine[object, object, None],
) -> Callable[[web.Application], AsyncIterator[None]]:
    async def run(_: web.Application) -> AsyncIterator[None]:
        task = asyncio.create_task(work)
        yield
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    return run


async def _end_long_polls(state: State) -> None:
    # Requests that wait for a change would delay the server's stop.
    state.notifier.close()
