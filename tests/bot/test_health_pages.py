"""Test the pages about health and metrics that both processes serve."""

import socket
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bot import health_pages, metrics
from bot.start_errors import CannotStartError

LOCALHOST = "127.0.0.1"


async def get(port: int, path: str) -> tuple[int, str]:
    """Request a page, and return the status and the text of the answer."""
    async with (
        aiohttp.ClientSession() as client,
        client.get(f"http://{LOCALHOST}:{port}{path}") as response,
    ):
        return response.status, await response.text()


async def test_the_pages_answer() -> None:
    is_ready = True

    async def check() -> tuple[dict[str, Any], bool]:
        return {"ok": is_ready}, is_ready

    app = web.Application()
    health_pages.add_health(app, check)
    health_pages.add_metrics(app)
    metrics.POSTS.labels("sent").inc()
    async with AsyncExitStack() as stack:
        port = await health_pages.serve(stack, app, host=LOCALHOST, port=0, setting="METRICS_PORT")
        assert await get(port, "/api/health/live") == (200, '{"ok": true}')
        assert await get(port, "/api/health/ready") == (200, '{"ok": true}')
        is_ready = False
        assert await get(port, "/api/health/ready") == (503, '{"ok": false}')
        status, text = await get(port, "/metrics")
        assert status == 200
        assert 'adtech_posts_total{outcome="sent"}' in text


async def test_a_port_in_use_is_named() -> None:
    with socket.create_server((LOCALHOST, 0)) as taken:
        port = taken.getsockname()[1]
        async with AsyncExitStack() as stack:
            with pytest.raises(CannotStartError, match="METRICS_PORT"):
                await health_pages.serve(
                    stack, web.Application(), host=LOCALHOST, port=port, setting="METRICS_PORT"
                )
