"""Replace and remove the characters that Telegram does not keep (`misc.cpp` of TDLib)."""

import re

WHITE_SPACE = " \n"
"""The white space that is left in a cleaned text."""
REMOVED = re.compile("[\r\u2028-\u202e\u0333\u033f\u030a]")
"""The characters that Telegram removes: they break lines, reverse texts and draw lines."""
_CONTROL = re.compile("[\x00-\x09\x0b\x0c\x0e-\x1f]")
_DIRECTION_MARK = re.compile("[\u200e\u200f](?=[\u200e\u200f])")
_EMPTY = re.compile(
    "[ \n\xa0\u1680\u180e\u2000-\u200f\u202e\u202f\u205f\u2800\u3000\ufeff\ufffc"
    "\U000e0000-\U000e007f]*"
)


def clean_characters(text: str) -> str:
    """Return a text as Telegram keeps it: control characters become spaces, some are removed."""
    text = _CONTROL.sub(" ", REMOVED.sub("", text))
    return _DIRECTION_MARK.sub("\u200c", text)


def is_empty(text: str) -> bool:
    """Return whether a text has nothing that a reader can see."""
    return _EMPTY.fullmatch(text) is not None
