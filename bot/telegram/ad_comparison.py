"""Compare a message in Telegram with an ad."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from services.market import creatives
from services.market.creatives import Creative

MEDIA = ("animation", "photo", "video", "document")
ADDED_BY_TELEGRAM = frozenset(
    {
        *("bank_card", "bot_command", "cashtag", "email", "hashtag", "mention", "phone_number"),
        "url",
    }
)
"""The types of message entities that Telegram adds by itself."""
REMOVED_BY_TELEGRAM = frozenset({"custom_emoji"})
"""The types of message entities that Telegram removes from a bot's post in a channel."""

_Entity = tuple[str, int, int, str, str]
_Button = tuple[str, str]


class Comparison(StrEnum):
    """Whether a message has the content of an ad."""

    SAME = "same"
    DIFFERENT = "different"
    UNKNOWN = "unknown"
    """At least one part cannot be compared, and all other parts are the same."""


def compare(message: Mapping[str, Any], creative: Creative) -> Comparison:
    """Compare a forwarded message with an ad.

    `message` is the Bot API's JSON object. Media are compared by `file_unique_id`. If a part cannot
    be compared and all other parts are the same, the result is UNKNOWN.
    """
    if not _has_same_text(message, creative):
        return Comparison.DIFFERENT
    parts = {
        _compare_media(message, creative),
        _compare_flags(message, creative),
        _compare_buttons(message, creative),
        _compare_preview(message, creative),
    }
    for result in (Comparison.DIFFERENT, Comparison.UNKNOWN):
        if result in parts:
            return result
    return Comparison.SAME


def _has_same_text(message: Mapping[str, Any], creative: Creative) -> bool:
    in_text = creative.kind == "text"
    text = message.get("text" if in_text else "caption") or ""
    entities = message.get("entities" if in_text else "caption_entities") or []
    if not isinstance(text, str) or text.strip() != creative.text.strip():
        return False
    return _normalize(text, entities) == _normalize(creative.text, creative.entities)


def _normalize(text: str, entities: list[dict[str, Any]]) -> list[_Entity]:
    """Return the formatting that the author chose, in a fixed order.

    Offsets count from the first visible character, in UTF-16 code units.
    """
    margin = creatives.utf16_length(text) - creatives.utf16_length(text.lstrip())
    return sorted(
        (
            str(entity.get("type")),
            int(entity.get("offset", 0)) - margin,
            int(entity.get("length", 0)),
            _normalize_url(str(entity.get("url") or "")),
            str(entity.get("language") or entity.get("unix_time") or ""),
        )
        for entity in entities
        if entity.get("type") not in ADDED_BY_TELEGRAM | REMOVED_BY_TELEGRAM
    )


def _compare_media(message: Mapping[str, Any], creative: Creative) -> Comparison:
    shown = [kind for kind in MEDIA if kind in message]
    if "animation" in shown and "document" in shown:
        shown.remove("document")  # an animation also has a document with the same file
    if creative.kind == "text":
        return Comparison.DIFFERENT if shown else Comparison.SAME
    if shown != [creative.kind]:
        return Comparison.DIFFERENT
    if creative.file_unique_id is None:
        return Comparison.UNKNOWN
    media = message[creative.kind]
    # A photo is a list of the same picture in several sizes.
    files = media if isinstance(media, list) else [media]
    same = any(file.get("file_unique_id") == creative.file_unique_id for file in files)
    return Comparison.SAME if same else Comparison.DIFFERENT


def _compare_flags(message: Mapping[str, Any], creative: Creative) -> Comparison:
    """Compare the spoiler of the media, and the place of a caption that is not empty."""
    flags = (
        ("has_media_spoiler", creative.has_spoiler),
        ("show_caption_above_media", creative.caption_above and bool(creative.text.strip())),
    )
    pairs = [(message.get(name) is True, bought) for name, bought in flags]
    if any(shown and not bought for shown, bought in pairs):
        return Comparison.DIFFERENT
    # Nobody has seen that a forward keeps the flags, so a missing flag proves nothing.
    return (
        Comparison.SAME if all(shown == bought for shown, bought in pairs) else Comparison.UNKNOWN
    )


def _compare_buttons(message: Mapping[str, Any], creative: Creative) -> Comparison:
    expected: list[_Button] = []
    if creative.button_text is not None and creative.button_url is not None:
        expected.append((creative.button_text, _normalize_url(creative.button_url)))
    keyboard = (message.get("reply_markup") or {}).get("inline_keyboard") or []
    shown = [
        (str(button.get("text")), _normalize_url(str(button.get("url") or "")))
        for row in keyboard
        for button in row
    ]
    if shown == expected:
        return Comparison.SAME
    return Comparison.DIFFERENT if shown else Comparison.UNKNOWN


def _compare_preview(message: Mapping[str, Any], creative: Creative) -> Comparison:
    """Compare the options of the link preview of a text, which Telegram reports only in part.

    Another difference than a missing report is never DIFFERENT: Telegram may complete or drop
    options, and the text itself is the same.
    """
    shown = message.get("link_preview_options")
    if creative.kind != "text" or not isinstance(shown, Mapping):
        return Comparison.SAME
    bought = creative.link_preview
    if bought is None:
        return Comparison.SAME if shown.get("is_disabled") is True else Comparison.UNKNOWN
    same = not shown.get("is_disabled") and bought == {
        name: value
        for name, value in (
            ("url", shown.get("url")),
            (
                "size",
                (shown.get("prefer_small_media") and "small")
                or (shown.get("prefer_large_media") and "large"),
            ),
            ("above", shown.get("show_above_text")),
        )
        if value
    }
    return Comparison.SAME if same else Comparison.UNKNOWN


def _normalize_url(url: str) -> str:
    """Return an address as Telegram stores it, with a lower-case host and a path."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    if not parts.netloc:
        return url
    return urlunsplit(
        (parts.scheme, parts.netloc.lower(), parts.path or "/", parts.query, parts.fragment)
    )
