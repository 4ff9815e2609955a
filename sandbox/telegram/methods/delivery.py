"""Implement the Bot API's methods about the webhook."""

import re
from urllib.parse import urlsplit

from aiogram import methods

from sandbox.telegram.errors import bad_request
from sandbox.telegram.method_call import MethodCall
from sandbox.telegram.persistence import Json
from sandbox.telegram.webhook import CONNECTIONS, MOST_CONNECTIONS

SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")


def set_webhook(call: MethodCall[methods.SetWebhook]) -> bool:
    """Set the http or https address of the webhook. An empty address removes the webhook."""
    request = call.request
    if request.url and not _is_web_address(request.url):
        raise bad_request("bad webhook: invalid webhook URL specified")
    if request.secret_token and not SECRET.fullmatch(request.secret_token):
        raise bad_request("secret token contains unallowed characters")
    if request.allowed_updates is not None:
        call.state.set("allowed_updates", request.allowed_updates)
    _drop_pending(call, requested=request.drop_pending_updates)
    asked = CONNECTIONS if request.max_connections is None else request.max_connections
    webhook = {
        "url": request.url,
        "secret_token": request.secret_token,
        "max_connections": min(max(asked, 1), MOST_CONNECTIONS),
    }
    call.state.set("webhook", webhook if request.url else None)
    return True


def _is_web_address(url: str) -> bool:
    try:
        return urlsplit(url).scheme in {"http", "https"}
    except ValueError:
        return False


def delete_webhook(call: MethodCall[methods.DeleteWebhook]) -> bool:
    """Remove the webhook, so that the bot can use getUpdates."""
    _drop_pending(call, requested=call.request.drop_pending_updates)
    call.state.set("webhook", None)
    return True


def _drop_pending(
    call: MethodCall[methods.SetWebhook] | MethodCall[methods.DeleteWebhook],
    *,
    requested: bool | None,
) -> None:
    if requested:
        call.state.drop_updates(list(call.state.updates))


def get_webhook_info(call: MethodCall[methods.GetWebhookInfo]) -> Json:
    """Return the webhook's settings and the last delivery error."""
    return call.delivery.info()
