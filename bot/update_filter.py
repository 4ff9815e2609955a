"""Reduce updates to the fields that the product reads.

A short text replaces a field that is too deep or too large.
"""

from collections.abc import Mapping
from typing import Any

# The validation of an unused field can keep aiogram busy for minutes.
MAX_DEPTH = 8
"""The deepest nesting that is kept. Telegram's fields have at most 5 levels."""
MAX_NODES = 5_000
"""The largest number of values in a kept field. A keyboard of 100 buttons has about 300."""
# If only the field were removed, an ad could lose a part unnoticed.
TOO_LARGE = "too large"
"""The text that replaces a field above MAX_DEPTH or MAX_NODES."""

_PAYMENTS = ("successful_payment", "refunded_payment")
_MESSAGE = frozenset(
    {
        "animation",
        "caption_entities",
        "chat",
        "chat_shared",
        "entities",
        "from",
        "link_preview_options",
        "live_photo",
        "photo",
        "quote",
        "reply_markup",
        "sender_chat",
        "via_bot",
        "video",
    }
)
"""The fields of a message that are kept besides its numbers, texts and flags."""
_HIDDEN_ORIGIN = {"type": "hidden_user", "date": 0, "sender_user_name": ""}
_KINDS: Mapping[str, frozenset[str]] = {
    "message": _MESSAGE,
    "channel_post": _MESSAGE,
    "callback_query": frozenset({"from"}),
    "my_chat_member": frozenset({"chat", "from", "old_chat_member", "new_chat_member"}),
    "pre_checkout_query": frozenset({"from"}),
}
"""The kept fields of each type of update that the bot asks for."""


def reduce(update: Mapping[str, Any]) -> dict[str, Any]:
    """Return an update with only the fields that the product reads.

    The update is raw JSON that is not trusted. If the bot did not ask for this type of update, only
    the id is left.
    """
    reduced: dict[str, Any] = {"update_id": update.get("update_id")}
    for kind, parts in _KINDS.items():
        content = update.get(kind)
        if isinstance(content, dict):
            is_message = parts is _MESSAGE
            reduced[kind] = _message(content) if is_message else _fields(content, parts)
            if kind == "callback_query" and isinstance(content.get("message"), dict):
                reduced[kind]["message"] = _message(content["message"])
        elif kind in update:
            reduced[kind] = content if _is_scalar(content) else TOO_LARGE
    return reduced


def _message(content: Mapping[str, Any]) -> dict[str, Any]:
    for payment in _PAYMENTS:
        if payment in content:
            kept = {name: content[name] for name in ("message_id", "date") if name in content}
            return kept | _parts(content, frozenset({"chat", "from", payment}))
    reduced = _fields(content, _MESSAGE)
    if content.get("forward_origin") is not None:
        # The product only needs to know that the message is a forward. The real origin is not kept,
        # because Telegram may add kinds of origins that aiogram cannot read.
        reduced["forward_origin"] = dict(_HIDDEN_ORIGIN)
    if content.get("external_reply") is not None:
        reduced["external_reply"] = {"origin": dict(_HIDDEN_ORIGIN)}
    return reduced


def _fields(content: Mapping[str, Any], parts: frozenset[str]) -> dict[str, Any]:
    scalars = {name: value for name, value in content.items() if _is_scalar(value)}
    return scalars | _parts(content, parts)


def _parts(content: Mapping[str, Any], names: frozenset[str]) -> dict[str, Any]:
    return {
        name: content[name] if _fits(content[name]) else TOO_LARGE
        for name in names
        if name in content
    }


def _is_scalar(value: object) -> bool:
    return value is None or isinstance(value, str | int | float)


def _fits(value: object) -> bool:
    """Return whether a value has at most MAX_DEPTH levels and MAX_NODES inner values."""
    # A loop and no recursion: the nesting of a value has no limit.
    level, nodes = [value], 0
    for _ in range(MAX_DEPTH):
        level = [inner for outer in level for inner in _inner_values(outer)]
        nodes += len(level)
        if not level:
            return True
        if nodes > MAX_NODES:
            return False
    return False


def _inner_values(value: object) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
