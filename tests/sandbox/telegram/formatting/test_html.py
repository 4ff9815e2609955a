"""Test the parser of HTML with the vectors of TDLib, and with texts of any kind."""

from html import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.telegram.errors import TelegramError
from sandbox.telegram.formatting.html import parse_html
from tests.sandbox.telegram.formatting import vectors

ROWS = vectors.read("html")
PIECES = st.lists(
    st.tuples(
        st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12),
        st.sampled_from([None, "b", "i", "u", "s", "code", "blockquote"]),
    ),
    max_size=8,
)


@pytest.mark.parametrize(("source", "text", "entities"), [row for row in ROWS if len(row) == 3])
def test_html_has_the_text_and_entities_of_telegram(
    source: str, text: str, entities: list[list[object]]
) -> None:
    """The vectors are those of `parse_html` in `test/message_entities.cpp`."""
    assert parse_html(source) == (text, [vectors.to_entity(row) for row in entities])


@pytest.mark.parametrize(("source", "error"), [row for row in ROWS if len(row) == 2])
def test_wrong_html_is_refused_with_the_words_of_telegram(source: str, error: str) -> None:
    """The vectors are those of `parse_html` in `test/message_entities.cpp`."""
    with pytest.raises(TelegramError) as refused:
        parse_html(source)
    assert refused.value.description == f"Bad Request: can't parse entities: {error}"


@given(PIECES)
def test_html_gives_the_text_and_entities_that_cover_their_pieces(
    pieces: list[tuple[str, str | None]],
) -> None:
    source = "".join(
        f"<{tag}>{escape(text)}</{tag}>" if tag else escape(text) for text, tag in pieces
    )
    # Telegram knows four named HTML characters. Python writes a single quote by its number.
    text, entities = parse_html(source)
    assert text == "".join(text for text, _ in pieces)
    units = text.encode("utf-16-le")
    covered = [units[2 * one.offset : 2 * one.end].decode("utf-16-le") for one in entities]
    assert covered == [text for text, tag in pieces if tag]


@pytest.mark.parametrize(
    "source",
    ["&#" + "1" * 5000, "&#x" + "0" * 5000, f'<tg-time unix="{"9" * 5000}">x</tg-time>', "<a\0b"],
)
def test_numbers_of_any_size_are_read(source: str) -> None:
    try:
        parse_html(source)
    except TelegramError as refused:
        assert "Unclosed start tag" in refused.description  # noqa: PT017 - most are accepted
