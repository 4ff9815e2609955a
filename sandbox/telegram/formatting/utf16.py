"""Count texts in UTF-16 units, in which Telegram measures, and in bytes of UTF-8."""

from collections.abc import Sequence
from itertools import accumulate

_LAST_OF_ONE_UNIT = "\uffff"


def utf16_length(text: str) -> int:
    """Return the length of a text in UTF-16 units."""
    return utf16_offsets(text)[-1]


def utf16_offsets(text: str) -> Sequence[int]:
    """Return the offset of each character in UTF-16 units, and the offset of the text's end."""
    if max(text, default="") <= _LAST_OF_ONE_UNIT:
        return range(len(text) + 1)
    units = (1 + (character > _LAST_OF_ONE_UNIT) for character in text)
    return list(accumulate(units, initial=0))


def byte_offset(text: str, index: int) -> int:
    """Return how many bytes of UTF-8 stand before the character at `index`."""
    return len(text[:index].encode())
