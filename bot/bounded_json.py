"""Read JSON texts from the network, whose content is not trusted, at a limited cost."""

import gc
import json
import re
from itertools import islice
from typing import Any

from aiohttp import ClientResponse

MAX_ANSWER = 2**19
"""The largest answer of the Bot API that is read, in bytes."""
MAX_DEPTH = 100
"""The deepest nesting that is kept."""
MAX_DIGITS = 100
MAX_BRACKETS = 30_000
"""A text with deep nesting is only read if it has at most this number of brackets and strings."""
TOO_LARGE = "too large"
"""The text that replaces a part that is too deep, too long or too large."""
# An unterminated string is one token up to the end of the text. If it were no token, each later
# quotation mark would be tried as the beginning of a string, in quadratic time.
_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)
"""A JSON string, or a bracket that is not in a string."""


async def read_body(response: ClientResponse, limit: int) -> bytes:
    """Return the body of an HTTP answer, or its first bytes if it has more than `limit` bytes.

    A cut body has more than `limit` bytes, so that `read` with the same limit refuses it.
    """
    body = bytearray()
    while len(body) <= limit and (chunk := await response.content.read(2**16)):
        body += chunk
    return bytes(body)


def read(body: bytes, limit: int) -> Any:
    """Return the value of a JSON text. Raises ValueError if the text is no JSON.

    Also raises ValueError if the text has more than `limit` bytes. If Python refuses the text,
    TOO_LARGE replaces each part deeper than MAX_DEPTH and each number of more than MAX_DIGITS
    digits. The replacement character replaces bytes that are no UTF-8.
    """
    if len(body) > limit:
        raise ValueError("the text is too large")
    try:
        return _parse(body)
    except (ValueError, RecursionError):
        # Python refuses deep nesting, numbers of more than 4,300 digits, and bytes of no UTF-8.
        # One bad part must not stop the other updates of the answer.
        readable = _replace_deep_parts(body.decode("utf-8", "replace"))
        return _parse(readable, parse_int=_read_int)


def _parse(text: bytes | str, **options: Any) -> Any:
    """Return `json.loads(text, **options)`. There is no garbage collection during the call."""
    # Python collects garbage after every 70,000 new lists and objects. It then reads all objects of
    # the process, which takes 0.1 s. A JSON value has no cycles, so there is nothing to collect.
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        return json.loads(text, **options)
    finally:
        if was_enabled:
            gc.enable()


def _read_int(digits: str) -> int | str:
    return int(digits) if len(digits) <= MAX_DIGITS else TOO_LARGE


def _replace_deep_parts(text: str) -> str:
    """Replace values deeper than MAX_DEPTH.

    Raises ValueError if the brackets do not match, or if there are more than MAX_BRACKETS tokens.
    """
    kept: list[str] = []
    depth = kept_from = 0
    tokens = _TOKEN.finditer(text)
    for token in islice(tokens, MAX_BRACKETS):
        first = text[token.start()]
        if first in "[{":
            depth += 1
            if depth == MAX_DEPTH + 1:
                kept += [text[kept_from : token.start()], json.dumps(TOO_LARGE)]
        elif first in "]}":
            if depth == MAX_DEPTH + 1:
                kept_from = token.end()
            depth -= 1
    if depth != 0 or next(tokens, None) is not None:
        raise ValueError("the brackets do not match, or there are too many")
    return "".join([*kept, text[kept_from:]])
