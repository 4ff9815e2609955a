"""An answer of the Bot API as it came over the wire, and what may be believed of it."""

import json
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Any

RETRY_UNSAID = timedelta(seconds=5)
"""How long a 429 is obeyed that does not say how long."""
RETRY_LONGEST = timedelta(days=1)
ERROR_LENGTH = 200
RIGHTS_LOST = (
    "need administrator rights",
    "not enough rights",
    "have no rights to send",
    "bot is not a member",
    "bot was kicked",
    "chat_write_forbidden",
    "chat_admin_required",
)
"""Parts of Telegram's words for "this bot may not post here any more"."""
NOT_MODIFIED = "message is not modified"
NOT_THERE = ("message to edit not found", "message to forward not found", "message_id_invalid")
NOT_EDITABLE = "message can't be edited"
NOT_FORWARDABLE = "message can't be forwarded"


@dataclass(frozen=True)
class ApiResponse:
    """An answer as it came over the wire."""

    status: int
    body: bytes


def parse(reply: ApiResponse) -> dict[str, Any] | None:
    """The Bot API's answer, or None for what a proxy, a cut or a stranger might have said."""
    try:
        answer = json.loads(reply.body.decode())
    except (ValueError, RecursionError):
        return None
    if not isinstance(answer, dict):
        return None
    if answer.get("ok") is True and reply.status == HTTPStatus.OK:
        return answer
    if answer.get("ok") is False and answer.get("error_code") == reply.status:
        return answer
    return None


def message_id(result: object) -> int | None:
    """The id of the message that a result is, or None."""
    value = result.get("message_id") if isinstance(result, dict) else None
    return value if type(value) is int and value > 0 else None


def retry_after(answer: dict[str, Any]) -> timedelta:
    """How long a 429 asks to wait; RETRY_UNSAID where it does not say."""
    parameters = answer.get("parameters")
    seconds = parameters.get("retry_after") if isinstance(parameters, dict) else None
    if type(seconds) is not int or seconds <= 0:
        return RETRY_UNSAID
    return min(timedelta(seconds=min(seconds, 10**9)), RETRY_LONGEST)


def error_text(status: int, answer: dict[str, Any]) -> str:
    """Telegram's own words for a refusal, after its code; to be kept, not to be logged."""
    return f"{status}: {answer.get('description') or 'no description'}"[:ERROR_LENGTH]


def means_rights_lost(said: str) -> bool:
    """Whether these words mean that the bot may not post in the channel any more."""
    return any(phrase in said.lower() for phrase in RIGHTS_LOST)
