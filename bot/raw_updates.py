"""Read the JSON of Telegram's updates, and reduce it to the fields that the product reads."""

import re
from typing import Any

from bot import bounded_json, update_filter
from services.platform import inbox

MAX_BYTES = 2**18
"""The largest text with updates that is read, in bytes. Telegram's updates have a few kilobytes."""
UNREADABLE = "too large or unreadable"
"""The reason why an update is set aside if its text cannot be read."""
# Telegram writes the id of an update before its content.
_FIRST_ID = re.compile(
    rb'\s*+(?:\{\s*+"ok"\s*+:\s*+true\s*+,\s*+"result"\s*+:\s*+\[\s*+)?'
    rb'\{\s*+"update_id"\s*+:\s*+([0-9]{1,18})\s*+[,}]'
)


def read(body: bytes) -> Any:
    """Return Telegram's answer to a request for updates.

    Raises ValueError if the text has more than MAX_BYTES bytes or is no JSON.
    """
    return bounded_json.read(body, MAX_BYTES)


def read_list(answer: list[Any]) -> list[dict[str, Any]]:
    """Return the reduced updates of a list. Anything but an object is left out."""
    return [update_filter.reduce(update) for update in answer if isinstance(update, dict)]


def read_one(body: bytes) -> dict[str, Any] | None:
    """Return the reduced update of a webhook, or None if the text has no update.

    If only the id can be read, the result is the update that `set_aside` returns.
    """
    try:
        update = bounded_json.read(body, MAX_BYTES)
    except ValueError:
        return set_aside(body)
    return update_filter.reduce(update) if isinstance(update, dict) else None


def set_aside(body: bytes) -> dict[str, Any] | None:
    """Return a replacement for the first update of a text that cannot be read.

    Returns None if the text does not begin with an update, or with an answer that lists updates.
    """
    found = _FIRST_ID.match(body)
    if found is None:
        return None
    text = body[: inbox.SET_ASIDE_LIMIT].decode("utf-8", "replace")
    return inbox.set_aside(int(found.group(1)), text, UNREADABLE)
