"""Read the JSON of Telegram's updates, and replace the parts that Python refuses."""

import json
import re
from typing import Any

from bot.update_filter import TOO_LARGE

MAX_DEPTH = 100
"""The deepest nesting that is kept."""
MAX_DIGITS = 100
_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+"|[\[\]{}]', re.DOTALL)
"""A JSON string, or a bracket that is not in a string."""


def read(body: bytes) -> Any:
    """Return the value of a JSON text. Raises ValueError if the text is no JSON.

    If Python refuses the text, TOO_LARGE replaces each part deeper than MAX_DEPTH and each number
    of more than MAX_DIGITS digits. The replacement character replaces bytes that are no UTF-8.
    """
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        # Python refuses deep nesting, numbers of more than 4,300 digits, and bytes of no UTF-8.
        # One bad part must not stop the other updates of the answer.
        readable = _replace_deep_parts(body.decode("utf-8", "replace"))
        return json.loads(readable, parse_int=_read_int)


def _read_int(digits: str) -> int | str:
    return int(digits) if len(digits) <= MAX_DIGITS else TOO_LARGE


def _replace_deep_parts(text: str) -> str:
    """Replace values deeper than MAX_DEPTH. Raises ValueError if the brackets do not match."""
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
