"""Clean texts that people choose, for example names, so that they cannot distort other text."""

import re
import unicodedata

from services.platform import characters

_JOINERS = frozenset("\u200c\u200d")
"""Invisible characters that join letters or emoji."""
_TAGS = range(0xE0020, 0xE0080)
_LINE_BREAKS = frozenset({"Cc", "Zl", "Zp"})
_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})
_ISOLATE, _END = "\u2068", "\u2069"
NO_NAME = "—"
"""The text that replaces a name without a visible character."""


def one_line(text: str) -> str:
    """Return a text in one line that does not change the direction of the text beside it.

    A text without a visible character becomes NO_NAME. An empty text stays empty.
    """
    if text.isascii() and text.isprintable() and (text.strip() or not text):
        return text
    shown = "".join(_shown(character) for character in text)
    shown = re.sub(" {2,}", " ", shown) if shown != text else shown
    if all(characters.is_invisible(character) for character in shown):
        return NO_NAME if text else text
    if any(unicodedata.bidirectional(character) in _RIGHT_TO_LEFT for character in shown):
        return f"{_ISOLATE}{shown}{_END}"
    return shown


def shorten(text: str, length: int) -> str:
    """Return a text of at most `length` characters. A text that is cut ends with “…”."""
    return text if len(text) <= length else f"{text[: length - 1]}…"


def _shown(character: str) -> str:
    category = unicodedata.category(character)
    if category in _LINE_BREAKS:
        return " "
    if category == "Cs":
        return "\ufffd"
    needed = character in _JOINERS or ord(character) in _TAGS
    return "" if category == "Cf" and not needed else character
