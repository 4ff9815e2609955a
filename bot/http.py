"""The bot's HTTP: health, metrics, and Telegram's webhook."""

import hmac
import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import structlog
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from bot import inbox
from bot.settings import Settings
from bot.turn import DatabaseAwayError, reading
from db.session import Sessions
from services import system

log = structlog.get_logger(__name__)

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - the header's name


@dataclass(frozen=True)
class Served:
    """What the answers are made of."""

    sessions: Sessions
    redis: Redis
    settings: Settings
    worker: inbox.Worker


def application(served: Served) -> web.Application:
    """Make the application; the webhook is there only if WEBHOOK_URL is set."""
    app = web.Application(client_max_size=1024**2)

    async def ready(_request: web.Request) -> web.Response:
        facts, good = await readiness(served)
        status = HTTPStatus.OK if good else HTTPStatus.SERVICE_UNAVAILABLE
        return web.json_response(facts, status=status)

    async def webhook(request: web.Request) -> web.Response:
        return await _receive(served, request)

    app.router.add_get("/api/health/live", _live)
    app.router.add_get("/api/health/ready", ready)
    app.router.add_get("/metrics", _metrics)
    if served.settings.webhook_url:
        app.router.add_post(urlsplit(served.settings.webhook_url).path or "/", webhook)
    return app


async def readiness(served: Served) -> tuple[dict[str, Any], bool]:
    """Look at everything the bot needs, and tell whether it is fit to work.

    A stopped switch is "disabled" and fine; a switch without a row is not. Redis is needed for
    forms alone, but its absence is named.
    """
    facts: dict[str, Any] = {"ok": False, "database": False, "redis": await _redis(served.redis)}
    try:
        async with reading(served.sessions) as session:
            facts |= await system.readiness(session)
    except DatabaseAwayError:
        return facts, False
    facts["database"] = True
    complete = "missing" not in facts["switches"].values()
    good = complete and all(
        value for name, value in facts.items() if name not in {"ok", "switches"}
    )
    facts["ok"] = good
    return facts, good


async def _redis(redis: Redis) -> bool:
    try:
        await redis.get("ready")
    except (RedisError, OSError, TimeoutError):
        return False
    return True


async def _live(_request: web.Request) -> web.Response:
    return web.json_response({"ok": True})


async def _metrics(_request: web.Request) -> web.Response:
    return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})


async def _receive(served: Served, request: web.Request) -> web.Response:
    """Store the update, then say so: Telegram repeats it until it gets a 2xx."""
    given = request.headers.get(SECRET_HEADER, "")
    secret = served.settings.webhook_secret.get_secret_value()
    if not secret or not hmac.compare_digest(given.encode(), secret.encode()):
        raise web.HTTPForbidden
    try:
        update = json.loads(await request.read())
    except (ValueError, RecursionError):
        update = None
    if not isinstance(update, dict) or type(update.get("update_id")) is not int:
        # Whatever it is, it would be the same when repeated.
        log.warning("webhook body unreadable")
        return web.Response()
    try:
        await inbox.store(served.sessions, [update])
    except DatabaseAwayError:
        raise web.HTTPServiceUnavailable from None
    served.worker.wake()
    return web.Response()
