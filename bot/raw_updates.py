"""Read the JSON of Telegram's updates, however deep it is nested and whatever it contains.

Python's reader refuses JSON that is nested some 1,000 levels deep, a number of more than 4,300
digits, and bytes that are no UTF-8. Then all updates of the same answer of Telegram would be
refused, and Telegram would send them again for ever. Therefore only the part that cannot be read is
replaced, and the rest is kept.
"""

import json
import re
from typing import Any

from bot.update_filter import TOO_LARGE

MAX_DEPTH = 100
"""The deepest nesting that is kept. Parts that the product reads have a far smaller one."""
MAX_DIGITS = 100
_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+"|[\[\]{}]', re.DOTALL)
"""A string, or a bracket outside of strings."""


def read(body: bytes) -> Any:
    """Return the value of a JSON text. Raises ValueError if the text is no JSON.

    A part that is nested too deep, or a number that is too long, becomes the text TOO_LARGE. Bytes
    that are no UTF-8 become the replacement character.
    """
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        readable = _replace_deep_parts(body.decode("utf-8", "replace"))
        return json.loads(readable, parse_int=_read_int)


def _read_int(digits: str) -> int | str:
    return int(digits) if len(digits) <= MAX_DIGITS else TOO_LARGE


def _replace_deep_parts(text: str) -> str:
    """Replace each value that is nested deeper than MAX_DEPTH.

    Raises ValueError if the brackets do not match.
    """
    kept: list[str] = []
    depth = kept_from = 0
    for token in _TOKEN.finditer(text):
        first = token.group()[0]
        if first in "[{":
            depth += 1
            if depth == MAX_DEPTH + 1:
                kept += [text[kept_from : token.start()], json.dumps(TOO_LARGE)]
        elif first in "]}":
            if depth == MAX_DEPTH + 1:
                kept_from = token.end()
            depth -= 1
    if depth != 0:
        raise ValueError("the brackets do not match")
    return "".join([*kept, text[kept_from:]])
