"""Test that the cost of reading a text does not depend on what the text contains."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from aiogram.types import Update
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bot import bounded_json, raw_updates, throttle
from bot.update_filter import MAX_NODES
from services.platform import inbox, lanes
from tests.bot.test_raw_updates import DEEP

LIMIT_MS = 50.0
"""The CPU time that one update may cost, in milliseconds."""
MESSAGE = (
    b'{"update_id":1,"message":{"message_id":1,"date":1,"chat":{"id":7,"type":"private"},'
    b'"from":{"id":7,"is_bot":false,"first_name":"A"},"entities":@}}'
)
Part = Callable[[int], bytes]


def _many(item: bytes, size: int) -> bytes:
    return b"[" + b",".join([item] * (size // (len(item) + 1))) + b"]"


def _keys(size: int) -> bytes:
    return b"{" + b",".join(b'"%x":0' % number for number in range(size // 9)) + b"}"


PARTS: dict[str, Part] = {
    "deep lists": lambda size: b"[" * (size // 2) + b"]" * (size // 2),
    "deep objects": lambda size: b'{"a":' * (size // 6) + b"1" + b"}" * (size // 6),
    "lists that are not closed": lambda size: b"[" * size,
    "lists that are not opened": lambda size: b"]" * size,
    "deep beside flat lists": lambda size: DEEP.encode() + b"," + _many(b"[0]", size),
    "empty lists": lambda size: _many(b"[]", size),
    "empty objects": lambda size: _many(b"{}", size),
    "empty texts": lambda size: _many(b'""', size),
    "digits": lambda size: _many(b"0", size),
    "different keys": _keys,
    "different fields": lambda size: b"0," + _keys(size)[1:-1],
    "the same key": lambda size: b"{" + _many(b'"a":[]', size)[1:-1] + b"}",
    "a string that is not closed": lambda size: b'"' + b'\\"' * (size // 2),
    "quotation marks and backslashes": lambda size: b'"\\' * (size // 2),
    "backslashes": lambda size: b'"' + b"\\\\" * (size // 2) + b'"' + b"," + b"9" * 5_000,
    "an odd number of backslashes": lambda size: b'"' + b"\\" * (size | 1),
    "lone surrogates": lambda size: b'"' + b"\\ud800" * (size // 6) + b'"',
    "lone surrogates in UTF-8": lambda size: b'"' + b"\xed\xa0\x80" * (size // 3) + b'"',
    "a number": lambda size: b"9" * size,
    "numbers of 4,300 digits": lambda size: _many(b"9" * 4_300, size),
    "a decimal": lambda size: b"0." + b"0" * size + b"1",
    "decimals": lambda size: _many(b"2.2250738585072011e-308", size),
    "infinity": lambda size: _many(b"1e999", size),
    "a long text": lambda size: b'0,"text":"' + b'\\"' * (size // 2) + b'"',
    "entities": lambda size: _many(b'{"type":"bold","offset":0,"length":1}', min(size, 18_000)),
    "values that are no entities": lambda size: _many(b"{}", min(size, 3 * MAX_NODES - 200)),
}
"""Parts of an update with about the given number of bytes."""


def _take_in(body: bytes) -> None:
    """Do everything with an update that precedes its handler, except for the database's work."""
    update = raw_updates.read_one(body)
    stored = json.loads(json.dumps(inbox.storable(update)))
    if isinstance(stored, dict):
        lanes.own_lane(stored)
        inbox.lane_of(stored)
        throttle.sender(stored)
        try:
            Update.model_validate(stored)
        except ValidationError:
            return


def _cost_ms(work: Callable[[], object]) -> float:
    """Return the lowest CPU time of three runs, in milliseconds."""
    costs = []
    for _ in range(3):
        began = time.process_time()
        work()
        costs.append(time.process_time() - began)
    return min(costs) * 1_000


@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS.keys())
@pytest.mark.parametrize("size", [20_000, raw_updates.MAX_BYTES - len(MESSAGE), 4_000_000])
def test_no_update_costs_more_than_its_limit(part: Part, size: int) -> None:
    body = MESSAGE.replace(b"@", part(size))
    _take_in(MESSAGE.replace(b"@", b"[]"))  # aiogram builds its models at the first use.
    assert _cost_ms(lambda: _take_in(body)) < LIMIT_MS


@given(st.binary(max_size=200) | st.text(alphabet='[]{}",:\\u0e1 \ud800', max_size=200))
def test_every_text_is_read_or_refused(text: bytes | str) -> None:
    body = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    try:
        bounded_json.read(body, 1_000)
    except ValueError:
        return


@pytest.mark.parametrize("size", [1_000, 1_001])
def test_a_text_above_the_limit_is_refused(size: int) -> None:
    body = json.dumps("a" * (size - 2)).encode()
    if size == 1_000:
        assert bounded_json.read(body, 1_000)
    else:
        with pytest.raises(ValueError, match="too large"):
            bounded_json.read(body, 1_000)


def test_deep_nesting_beside_many_brackets_is_refused() -> None:
    few: Any = bounded_json.read(f"[{DEEP}{',[]' * 5_000}]".encode(), 10**6)
    assert len(few) == 5_001
    with pytest.raises(ValueError, match="too many"):
        bounded_json.read(f"[{DEEP}{',[]' * bounded_json.MAX_BRACKETS}]".encode(), 10**6)
