"""Read JSON from clients, which may be anything, and write JSON that every client can read."""

import json
import math
from typing import Any

MAX_DEPTH = 100
"""The depth of nesting that Telegram reads."""
_LARGEST = 2**63


def load(text: str) -> Any:
    """Return the value of a JSON text.

    Raises ValueError for a text that is not JSON, or has a number or a depth that cannot be stored.
    """
    try:
        value = json.loads(
            text, parse_constant=_refuse, parse_int=_whole_number, parse_float=_finite_number
        )
    except RecursionError:
        raise ValueError("the JSON value is nested too deeply") from None
    if not _is_shallow(value, MAX_DEPTH):
        raise ValueError("the JSON value is nested too deeply")
    return value


def _refuse(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def _whole_number(digits: str) -> int:
    number = int(digits)
    if not -_LARGEST <= number < _LARGEST:
        raise ValueError("the number has more than 64 bits")
    return number


def _finite_number(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError("the number is too large")
    return number


def _is_shallow(value: object, depth: int) -> bool:
    if not isinstance(value, dict | list):
        return True
    parts = value.values() if isinstance(value, dict) else value
    return depth > 0 and all(_is_shallow(part, depth - 1) for part in parts)


def is_utf8(value: object) -> bool:
    """Return whether no text in a JSON value has half of a character, which is no UTF-8."""
    if isinstance(value, dict):
        return all(is_utf8(item) for pair in value.items() for item in pair)
    if isinstance(value, list):
        return all(is_utf8(item) for item in value)
    return not isinstance(value, str) or not any("\ud800" <= unit <= "\udfff" for unit in value)


def dump(value: object) -> bytes:
    """Return a value as JSON. Half of a character, which has no UTF-8, is escaped."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":")).encode()
