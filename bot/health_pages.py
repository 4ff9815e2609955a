"""Serve the pages about a process's health and metrics."""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from http import HTTPStatus
from typing import Any

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from bot.start_errors import CannotStartError

Check = Callable[[], Awaitable[tuple[dict[str, Any], bool]]]


def add_health(app: web.Application, check: Check) -> None:
    """Add `/api/health/live` and `/api/health/ready`. `check` returns the facts and the result."""

    async def ready(_request: web.Request) -> web.Response:
        facts, is_ready = await check()
        status = HTTPStatus.OK if is_ready else HTTPStatus.SERVICE_UNAVAILABLE
        return web.json_response(facts, status=status)

    app.router.add_get("/api/health/live", _live)
    app.router.add_get("/api/health/ready", ready)


def add_metrics(app: web.Application) -> None:
    """Add `/metrics`, with what this process has counted."""
    app.router.add_get("/metrics", _show_metrics)


async def serve(
    stack: AsyncExitStack, app: web.Application, *, host: str, port: int, setting: str
) -> int:
    """Serve an application until `stack` closes, and return its port.

    `setting` is the name of the setting that has the port. Raises CannotStartError if the port
    cannot be used.
    """
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        message = f"{setting} {port} on HTTP_HOST {host} cannot be used: {error.strerror}"
        raise CannotStartError(message) from error
    used_port: int = runner.addresses[0][1]
    return used_port


async def _live(_request: web.Request) -> web.Response:
    return web.json_response({"ok": True})


async def _show_metrics(_request: web.Request) -> web.Response:
    return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})
