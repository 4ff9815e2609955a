"""Read raw answers of the Bot API, and decide which of them can be trusted."""

import json
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Any

DEFAULT_RETRY_AFTER = timedelta(seconds=5)
"""The pause after a 429 that does not say how long to wait."""
MAX_RETRY_AFTER = timedelta(days=1)
MAX_ERROR_LENGTH = 200
RIGHTS_LOST = (
    "need administrator rights",
    "not enough rights",
    "have no rights to send",
    "bot is not a member",
    "bot was kicked",
    "chat_write_forbidden",
    "chat_admin_required",
)
"""Parts of Telegram's error texts that mean: this bot may not post here any more."""
NOT_MODIFIED = "message is not modified"
NOT_THERE = ("message to edit not found", "message to forward not found", "message_id_invalid")
NOT_EDITABLE = "message can't be edited"
NOT_FORWARDABLE = "message can't be forwarded"


@dataclass(frozen=True)
class ApiResponse:
    """An HTTP answer: its status and its raw body."""

    status: int
    body: bytes


def parse(response: ApiResponse) -> dict[str, Any] | None:
    """Return the Bot API's answer as an object, or None if it may not come from the Bot API.

    An answer is None if its body is cut or is not the expected JSON, or if it contradicts the HTTP
    status, as the answer of a proxy does.
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
    """Return the id of the message in a result, or None."""
    value = result.get("message_id") if isinstance(result, dict) else None
    return value if type(value) is int and value > 0 else None


def retry_after(answer: dict[str, Any]) -> timedelta:
    """Return how long a 429 asks to wait: DEFAULT_RETRY_AFTER if it does not say."""
    parameters = answer.get("parameters")
    seconds = parameters.get("retry_after") if isinstance(parameters, dict) else None
    if type(seconds) is not int or seconds <= 0:
        return DEFAULT_RETRY_AFTER
    return min(timedelta(seconds=min(seconds, 10**9)), MAX_RETRY_AFTER)


def error_text(status: int, answer: dict[str, Any]) -> str:
    """Return the code and Telegram's text of a refusal; store it with the job, but never log it."""
    return f"{status}: {answer.get('description') or 'no description'}"[:MAX_ERROR_LENGTH]


def means_rights_lost(error: str) -> bool:
    """Return whether an error text means that the bot may not post in the channel any more."""
    return any(phrase in error.lower() for phrase in RIGHTS_LOST)
