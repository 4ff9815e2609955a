"""Read raw HTTP answers, and decide whether an answer certainly comes from the Bot API."""

import json
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Any

DEFAULT_RETRY_AFTER = timedelta(seconds=5)
"""The pause after an answer with status 429 that does not say how long to wait."""
MAX_RETRY_AFTER = timedelta(days=1)
MAX_ERROR_LENGTH = 200
RIGHTS_LOST = {
    "need administrator rights": "no_post_right",
    "not enough rights": "no_post_right",
    "have no rights to send": "no_post_right",
    "member list is inaccessible": "no_post_right",
    "chat_write_forbidden": "no_post_right",
    "chat_admin_required": "no_post_right",
    "bot is not a member": "bot_removed",
    "bot was kicked": "bot_removed",
    "user_not_participant": "bot_removed",
}
"""Parts of Telegram's error texts, each with the reason why the bot cannot post in the channel.

The owner of the channel can give the bot its rights again.
"""
USER_GONE = "user is deactivated"
CHANNEL_GONE = (
    "chat not found",
    "channel_private",
    "channel_invalid",
    "chat_forbidden",
    "chat was deleted",
    "chat was deactivated",
    USER_GONE,
)
"""Parts of Telegram's error texts. Each part means that the channel is gone or private."""
GONE = "channel_gone"
"""The result of `loss_reason` if the channel is gone or private. New rights do not help then."""
NOT_MODIFIED = "message is not modified"
NOT_THERE = ("message to edit not found", "message to forward not found", "message_id_invalid")
OTHER_KIND = (
    "there is no text in the message to edit",
    "there is no caption in the message to edit",
)
"""Parts of Telegram's error texts. They mean that a message was changed from text to media, or from
media to text."""
NOT_EDITABLE = "message can't be edited"
NO_LIVE_LOCATION = "there is no live location in the message to edit"


@dataclass(frozen=True)
class ApiResponse:
    """The status and the raw body of an HTTP answer. The functions of this module read them."""

    status: int
    body: bytes


def parse(response: ApiResponse) -> dict[str, Any] | None:
    """Return the Bot API's answer as an object, or None if the answer may come from another server.

    The result is None if the body is incomplete, or if it is not the expected JSON. The result is
    also None if the body contradicts the HTTP status, for example in the answer of a proxy.
    """
    try:
        answer = json.loads(response.body.decode())
    except (ValueError, RecursionError):
        return None
    if not isinstance(answer, dict):
        return None
    if answer.get("ok") is True and response.status == HTTPStatus.OK:
        return answer
    if answer.get("ok") is False and answer.get("error_code") == response.status:
        return answer
    return None


def message_id(result: object) -> int | None:
    """Return the id of the message in `result`, or None if `result` has no message."""
    value = result.get("message_id") if isinstance(result, dict) else None
    return value if type(value) is int and value > 0 else None


def retry_after(answer: dict[str, Any]) -> timedelta:
    """Return the pause that an answer with status 429 asks for, at most MAX_RETRY_AFTER.

    If the answer contains no pause, the result is DEFAULT_RETRY_AFTER.
    """
    parameters = answer.get("parameters")
    seconds = parameters.get("retry_after") if isinstance(parameters, dict) else None
    if type(seconds) is not int or seconds <= 0:
        return DEFAULT_RETRY_AFTER
    return min(timedelta(seconds=min(seconds, 10**9)), MAX_RETRY_AFTER)


def error_text(status: int, answer: dict[str, Any]) -> str:
    """Return the status code and Telegram's text of a refusal, shortened to MAX_ERROR_LENGTH.

    The caller is allowed to store the text with a post job. The text must never be logged.
    """
    return f"{status}: {answer.get('description') or 'no description'}"[:MAX_ERROR_LENGTH]


def loss_reason(error: str) -> str | None:
    """Find in the text of an error why the bot can no longer post in a channel.

    The result is GONE or a value of RIGHTS_LOST. It is None if the text gives no such reason.
    """
    lowered = error.lower()
    if any(phrase in lowered for phrase in CHANNEL_GONE):
        return GONE
    return next((reason for phrase, reason in RIGHTS_LOST.items() if phrase in lowered), None)
