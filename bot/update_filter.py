"""Reduce updates to the fields that the product reads.

A short value replaces a field that is too deep or too large.
"""

from collections.abc import Iterable, Mapping
from itertools import chain, islice
from typing import Any

from bot.bounded_json import TOO_LARGE
from bot.callbacks import Go

# The validation of an unused field can keep aiogram busy for minutes.
MAX_DEPTH = 8
"""The deepest nesting that is kept. Telegram's fields have at most 5 levels."""
MAX_NODES = 2_000
"""The largest number of inner values in an update. A keyboard of 100 buttons has about 300."""
MAX_FIELDS = 300
"""The largest number of fields of a message or of another content. A message has about 120."""
MAX_TEXT = 8_192
"""The greatest length of a text, in characters. A message has at most 4,096."""
# If only the field were removed, an ad could lose a part unnoticed. aiogram refuses an update with
# a text in place of an object, or with a list in place of a text.
_LONG_TEXT = [TOO_LARGE]
"""The value that replaces a text above MAX_TEXT."""

_SHOWS = f"{Go.__prefix__}{Go.__separator__}"
"""The begin of the data of buttons whose handlers read no other button of the pressed keyboard."""
_PAYMENTS = ("successful_payment", "refunded_payment")
_MESSAGE = (
    "animation",
    "caption_entities",
    "chat",
    "chat_shared",
    "document",
    "entities",
    "from",
    "link_preview_options",
    "live_photo",
    "message_auto_delete_timer_changed",
    "new_chat_photo",
    "photo",
    "quote",
    "reply_markup",
    "sender_business_bot",
    "sender_chat",
    "via_bot",
    "video",
)
"""The fields of a message that are kept besides its numbers, texts and flags."""
_OWNER_CHANGES: Mapping[str, tuple[str, ...]] = {
    "chat_owner_changed": ("new_owner",),
    "chat_owner_left": ("new_owner",),
}
"""The kept fields of Telegram's messages about another creator of a chat."""
_CONTENT = frozenset(
    {
        *("animation", "audio", "caption", "checklist", "contact", "dice", "document", "game"),
        *("giveaway", "giveaway_winners", "invoice", "live_photo", "location", "paid_media"),
        *("photo", "poll", "sticker", "story", "text", "venue", "video", "video_note", "voice"),
    }
)
"""The fields of a message that people see as a post. Service messages have none of them."""
IS_POST = "is_post"
"""The flag that `reduce` adds to a channel's message: whether it has one of these fields."""
_HIDDEN_ORIGIN = {"type": "hidden_user", "date": 0, "sender_user_name": ""}
_KINDS: Mapping[str, tuple[str, ...]] = {
    "message": _MESSAGE,
    "edited_message": _MESSAGE,
    "channel_post": _MESSAGE,
    "callback_query": ("from",),
    "my_chat_member": ("chat", "from", "old_chat_member", "new_chat_member"),
    "message_reaction_count": ("chat", "reactions"),
    "pre_checkout_query": ("from",),
}
"""The kept fields of each type of update that the bot asks for."""


def reduce(update: Mapping[str, Any]) -> dict[str, Any]:
    """Return an update with only the fields that the product reads.

    The update is raw JSON that is not trusted. If the bot did not ask for this type of update, only
    the id is left.
    """
    update_id = update.get("update_id")
    reduced: dict[str, Any] = {"update_id": update_id if is_scalar(update_id) else None}
    reducer = _Reducer()
    for kind, parts in _KINDS.items():
        content = update.get(kind)
        if isinstance(content, dict):
            is_message = parts is _MESSAGE
            read = reducer.message(content) if is_message else reducer.fields(content, parts)
            if (
                kind == "callback_query"
                and isinstance(read, dict)
                and isinstance(content.get("message"), dict)
            ):
                read["message"] = reducer.pressed_message(content["message"], content.get("data"))
            if kind == "channel_post" and isinstance(read, dict):
                read[IS_POST] = content.get(IS_POST) is True or not _CONTENT.isdisjoint(content)
            reduced[kind] = read
        elif kind in update:
            reduced[kind] = content if is_scalar(content) else TOO_LARGE
    return reduced


def reduce_message(message: Mapping[str, Any]) -> Any:
    """Return a message of Telegram's answer with only the fields that the product reads."""
    return _Reducer().message(message)


def reduce_fields(content: Mapping[str, Any], parts: tuple[str, ...]) -> Any:
    """Return the numbers, short texts and flags of an object, and its fields `parts`."""
    return _Reducer().fields(content, parts)


class _Reducer:
    """The reader of one update. It counts the values that the update keeps."""

    def __init__(self) -> None:
        self._left = MAX_NODES

    def message(self, content: Mapping[str, Any]) -> Any:
        for payment in _PAYMENTS:
            if payment in content:
                return self._parts(content, (payment, "message_id", "date", "chat", "from"))
        reduced = self.fields(content, _MESSAGE)
        if isinstance(reduced, str):
            return reduced
        if content.get("forward_origin") is not None:
            # The product only needs to know that the message is a forward. The real origin is not
            # kept, because Telegram may add kinds of origins that aiogram cannot read.
            reduced["forward_origin"] = dict(_HIDDEN_ORIGIN)
        if content.get("external_reply") is not None:
            reduced["external_reply"] = {"origin": dict(_HIDDEN_ORIGIN)}
        if isinstance(pinned := content.get("pinned_message"), dict):
            # The product only needs to know that a message was pinned. The date 0 is Telegram's own
            # mark of a message that cannot be read.
            reduced["pinned_message"] = self._parts(pinned, ("chat", "message_id")) | {"date": 0}
        for change in _OWNER_CHANGES:
            if isinstance(content.get(change), dict):
                reduced[change] = self._parts(content[change], _OWNER_CHANGES[change])
        return reduced

    def pressed_message(self, content: Mapping[str, Any], data: object) -> Any:
        reduced = self.message(content)
        if isinstance(data, str) and data.startswith(_SHOWS) and isinstance(reduced, dict):
            markup = reduced.get("reply_markup")
            lines = markup.get("inline_keyboard") if isinstance(markup, dict) else None
            if isinstance(lines, list):
                reduced["reply_markup"] = {"inline_keyboard": _only_pressed(lines, data)}
        return reduced

    def fields(self, content: Mapping[str, Any], parts: tuple[str, ...]) -> Any:
        if len(content) > MAX_FIELDS:
            return TOO_LARGE
        scalars = {
            name: value if _is_short(value) else _LONG_TEXT
            for name, value in content.items()
            if is_scalar(value)
        }
        return scalars | self._parts(content, parts)

    def _parts(self, content: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
        return {
            name: content[name] if self._fits(content[name]) else TOO_LARGE
            for name in names
            if name in content
        }

    def _fits(self, value: object) -> bool:
        """Return whether a value has at most MAX_DEPTH levels, and count its inner values."""
        # A loop and no recursion: the nesting of a value has no limit.
        level = [value]
        for _ in range(MAX_DEPTH):
            if not all(map(_is_short, level)):
                return False
            inner = chain.from_iterable(map(_inner_values, level))
            level = list(islice(inner, self._left + 1))
            if not level:
                return True
            if len(level) > self._left:
                return False
            self._left -= len(level)
        return False


def _only_pressed(lines: list[Any], data: str) -> list[list[Any]]:
    """Return the row of the first button of a keyboard that has this data, or no row."""
    for line in lines:
        for each in line if isinstance(line, list) else ():
            if isinstance(each, dict) and each.get("callback_data") == data:
                return [[each]]
    return []


def is_scalar(value: object) -> bool:
    """Return whether a JSON value is neither an object nor a list."""
    return value is None or isinstance(value, str | int | float)


def _is_short(value: object) -> bool:
    """Return whether a value is no text, or a text of at most MAX_TEXT characters."""
    return not isinstance(value, str) or len(value) <= MAX_TEXT


def _inner_values(value: object) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()
