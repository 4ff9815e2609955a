"""Serve the bot's HTTP endpoints for health and Telegram's webhook."""

import hmac
from collections.abc import Sequence
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import structlog
from aiohttp import web

from bot import health_pages, inbox_worker, outages, raw_updates, readiness, storing_updates
from bot.batcher import Batcher
from bot.context import DatabaseAwayError, Dependencies

log = structlog.get_logger(__name__)

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - the header's name

MAX_BODY = 16 * 1024**2
"""The largest body of a request, in bytes. Telegram sends a refused update again for a day."""
STORED_AT_ONCE = 40
"""The largest number of updates that one transaction stores. Telegram sends as many at once."""
Store = Batcher[dict[str, Any], None]


def application(dependencies: Dependencies, worker: inbox_worker.InboxWorker) -> web.Application:
    """Build the HTTP application. It has a webhook only if WEBHOOK_URL is set."""
    app = web.Application(client_max_size=MAX_BODY)

    async def store_all(updates: Sequence[dict[str, Any]]) -> Sequence[None]:
        await worker.store(dependencies.intake_sessions, updates)
        return [None] * len(updates)

    store: Store = Batcher(store_all, STORED_AT_ONCE)

    async def webhook(request: web.Request) -> web.Response:
        return await _receive(dependencies, worker, store, request)

    health_pages.add_health(app, partial(readiness.check, dependencies))
    if dependencies.settings.webhook_url:
        app.router.add_post(urlsplit(dependencies.settings.webhook_url).path or "/", webhook)
    return app


async def _receive(
    dependencies: Dependencies,
    worker: inbox_worker.InboxWorker,
    store: Store,
    request: web.Request,
) -> web.Response:
    """Store an update from Telegram's webhook, and answer with 200.

    The answer is 403 for a wrong secret, 503 while the database is not available, and 200 for an
    unreadable body.
    """
    given = request.headers.get(SECRET_HEADER, "")
    secret = dependencies.settings.webhook_secret.get_secret_value()
    if not secret or not hmac.compare_digest(
        given.encode("utf-8", "surrogateescape"), secret.encode()
    ):
        raise web.HTTPForbidden
    update = raw_updates.read_one(await request.read())
    if update is None or not storing_updates.has_id(update):
        log.warning("webhook body unreadable")
        # After any other status, Telegram would send the same body again.
        return web.Response()
    worker.expect_stops([update])
    try:
        await store(update)
    except DatabaseAwayError as error:
        outages.log_database_away(error)
        raise web.HTTPServiceUnavailable from None
    return web.Response()
