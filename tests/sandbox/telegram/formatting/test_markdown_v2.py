"""Test the parser of MarkdownV2 with the vectors of TDLib."""

import pytest

from sandbox.telegram.errors import TelegramError
from sandbox.telegram.formatting.markdown_v2 import parse_markdown_v2
from tests.sandbox.telegram.formatting import vectors

ROWS = vectors.read("markdown_v2")


@pytest.mark.parametrize(("source", "text", "entities"), [row for row in ROWS if len(row) == 3])
def test_markdown_has_the_text_and_entities_of_telegram(
    source: str, text: str, entities: list[list[object]]
) -> None:
    """The vectors are those of `parse_markdown` in `test/message_entities.cpp`."""
    assert parse_markdown_v2(source) == (text, [vectors.to_entity(row) for row in entities])


@pytest.mark.parametrize(("source", "error"), [row for row in ROWS if len(row) == 2])
def test_wrong_markdown_is_refused_with_the_words_of_telegram(source: str, error: str) -> None:
    """The vectors are those of `parse_markdown` in `test/message_entities.cpp`."""
    with pytest.raises(TelegramError) as refused:
        parse_markdown_v2(source)
    assert refused.value.description == f"Bad Request: can't parse entities: {error}"
