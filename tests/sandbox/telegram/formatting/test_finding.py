"""Test the finding of mentions, commands, tags and cards with the vectors of TDLib."""

from collections.abc import Callable

import pytest

from sandbox.telegram.formatting import finding
from sandbox.telegram.formatting.urls import Part
from tests.sandbox.telegram.formatting import vectors

FINDERS: dict[str, Callable[[str], list[Part]]] = {
    "mention": finding.find_mentions,
    "bot_command": finding.find_bot_commands,
    "hashtag": finding.find_hashtags,
    "cashtag": finding.find_cashtags,
    "bank_card_number": finding.find_bank_cards,
}
ROWS = [(kind, *row) for kind, rows in vectors.read("finding").items() for row in rows]


@pytest.mark.parametrize(("kind", "text", "expected"), ROWS)
def test_telegram_finds_the_same_parts(kind: str, text: str, expected: list[str]) -> None:
    """The vectors have the names of their tests in `test/message_entities.cpp`."""
    assert [text[begin:end] for begin, end in FINDERS[kind](text)] == expected
