"""Read raw HTTP answers, and recognize the answers of the Bot API."""

import json
import re
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from bot import bounded_json

DEFAULT_RETRY_AFTER = timedelta(seconds=5)
"""The pause after status 429 if the answer does not say how long to wait."""
MAX_RETRY_AFTER = timedelta(days=1)
MAX_ERROR_LENGTH = 200
NO_POST_RIGHT = "no_post_right"
RIGHTS_LOST = {
    "need administrator rights": NO_POST_RIGHT,
    "not enough rights": NO_POST_RIGHT,
    "have no rights to send": NO_POST_RIGHT,
    "member list is inaccessible": NO_POST_RIGHT,
    "chat_write_forbidden": NO_POST_RIGHT,
    "chat_admin_required": NO_POST_RIGHT,
    "bot is not a member": "bot_removed",
    "bot was kicked": "bot_removed",
    "user_not_participant": "bot_removed",
}
"""The reasons why the bot cannot post in a channel, by parts of Telegram's error texts."""
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
"""Parts of Telegram's error texts about a channel that is gone or private."""
GONE = "channel_gone"
"""The result of `loss_reason` if the channel is gone or private."""
NOT_MODIFIED = "message is not modified"
NOT_THERE = ("message to edit not found", "message to forward not found", "message_id_invalid")
OTHER_KIND = (
    "there is no text in the message to edit",
    "there is no caption in the message to edit",
)
"""Parts of Telegram's errors about a message that changed between text and media."""
_QUOTED = re.compile(r"""\s['"]|\S*://""")
NOT_EDITABLE = "message can't be edited"
NO_LIVE_LOCATION = "there is no live location in the message to edit"


@dataclass(frozen=True)
class ApiResponse:
    """The status and the raw body of an HTTP answer."""

    status: int
    body: bytes


def parse(response: ApiResponse) -> dict[str, Any] | None:
    """Return the Bot API's answer, or None if the answer may come from another server.

    For example, the body is incomplete, too large or too deep, or contradicts the HTTP status.
    """
    if len(response.body) > bounded_json.MAX_ANSWER:
        return None
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


def sent_ids(result: object, items: int) -> tuple[int, ...] | None:
    """Return the ids of the messages of a sent post, in the order of an album's items.

    `items` is the number of an album's items, or 0. None means that `result` has not exactly these
    messages. Telegram numbers the messages of an album in the order of its items.
    """
    messages = result if items and isinstance(result, list) else [result]
    ids = [value for each in messages if (value := message_id(each)) is not None]
    is_whole = len(messages) == len(set(ids)) == max(items, 1)
    return tuple(sorted(ids)) if is_whole else None


def retry_after(answer: dict[str, Any]) -> timedelta:
    """Return the pause that an answer with status 429 asks for, at most MAX_RETRY_AFTER.

    The default is DEFAULT_RETRY_AFTER.
    """
    parameters = answer.get("parameters")
    seconds = parameters.get("retry_after") if isinstance(parameters, dict) else None
    if type(seconds) is not int or seconds <= 0:
        return DEFAULT_RETRY_AFTER
    return min(timedelta(seconds=min(seconds, 10**9)), MAX_RETRY_AFTER)


def error_text(status: int, answer: dict[str, Any]) -> str:
    """Return the status and Telegram's text of a refusal, of at most MAX_ERROR_LENGTH characters.

    The result has no part of the ad (`without_quotes`).
    """
    text = without_quotes(description(answer)) or "no description"
    return f"{status}: {text}"[:MAX_ERROR_LENGTH]


def without_quotes(text: str) -> str:
    """Return an error text of Telegram up to its first quotation mark or address.

    What Telegram quotes can be a part of the ad, for example the address of its button.
    """
    return _QUOTED.split(text, maxsplit=1)[0].strip()


def description(answer: dict[str, Any]) -> str:
    """Return Telegram's text of a refusal, or "" if the answer has no such text."""
    # Another type may be too deep for `str`.
    text = answer.get("description")
    return text if isinstance(text, str) else ""


def loss_reason(error: str) -> str | None:
    """Return why the bot can no longer post in a channel: GONE or a value of RIGHTS_LOST.

    None means that the error gives no such reason. What Telegram quotes is ignored.
    """
    lowered = without_quotes(error.lower())
    if any(phrase in lowered for phrase in CHANNEL_GONE):
        return GONE
    return next((reason for phrase, reason in RIGHTS_LOST.items() if phrase in lowered), None)
