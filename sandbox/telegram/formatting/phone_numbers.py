"""Find the phone numbers in a text.

TDLib leaves this to Telegram's server, whose rule is not published. Here a phone number is a plus
sign and 7 to 15 digits (the longest number of ITU-T E.164).
"""

import re

from sandbox.telegram.formatting.entity import Entity, in_order
from sandbox.telegram.formatting.finding import without_overlaps
from sandbox.telegram.formatting.utf16 import utf16_offsets

_PHONE_NUMBER = re.compile(r"(?<![\w+])\+[0-9]{7,15}(?!\w)", re.ASCII)


def add_phone_numbers(text: str, found: list[Entity]) -> list[Entity]:
    """Return the entities that were found in a text, and the phone numbers between them."""
    offsets = utf16_offsets(text)
    numbers = [
        Entity(
            "phone_number", offsets[match.start()], offsets[match.end()] - offsets[match.start()]
        )
        for match in _PHONE_NUMBER.finditer(text)
    ]
    return without_overlaps(in_order(found + numbers))
