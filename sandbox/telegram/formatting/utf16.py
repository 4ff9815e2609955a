"""Count texts in UTF-16 units, in which Telegram measures, and in bytes of UTF-8."""

from itertools import accumulate


def utf16_length(text: str) -> int:
    """Return the length of a text in UTF-16 units."""
    return len(text) + sum(character > "\uffff" for character in text)


def utf16_offsets(text: str) -> list[int]:
    """Return the offset of each character in UTF-16 units, and the offset of the text's end."""
    return list(accumulate((1 + (character > "\uffff") for character in text), initial=0))


def byte_offset(text: str, index: int) -> int:
    """Return how many bytes of UTF-8 stand before the character at `index`."""
    return len(text[:index].encode())
