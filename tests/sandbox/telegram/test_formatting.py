"""Test that the sandbox keeps the characters and the entities of a text."""

from html import escape

from hypothesis import given
from hypothesis import strategies as st

from sandbox.telegram import formatting

PIECES = st.lists(
    st.tuples(
        st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12),
        st.sampled_from([None, "b", "i", "u", "s", "code", "blockquote"]),
    ),
    max_size=8,
)


def cut(text: str, offset: int, length: int) -> str:
    return text.encode("utf-16-le")[2 * offset : 2 * (offset + length)].decode("utf-16-le")


@given(PIECES)
def test_html_gives_the_text_and_entities_that_cover_their_pieces(
    pieces: list[tuple[str, str | None]],
) -> None:
    source = "".join(
        f"<{tag}>{escape(text)}</{tag}>" if tag else escape(text) for text, tag in pieces
    )
    # Telegram knows four named HTML characters. Python writes a single quote by its number.
    rich = formatting.parse_html(source)
    assert rich.text == "".join(text for text, _ in pieces)
    covered = [cut(rich.text, entity["offset"], entity["length"]) for entity in rich.entities]
    assert covered == [text for text, tag in pieces if tag]


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), st.data())
def test_trimming_keeps_what_an_entity_covered(text: str, data: st.DataObject) -> None:
    length = formatting.utf16_length(text)
    first = data.draw(st.integers(0, len(text) - 1))
    last = data.draw(st.integers(first + 1, len(text)))
    begin = formatting.utf16_length(text[:first])
    entity = {
        "type": "bold",
        "offset": begin,
        "length": formatting.utf16_length(text[first:last]),
    }
    trimmed = formatting.trim(formatting.FormattedText(text, [entity]))
    assert trimmed.text == text.strip()
    assert formatting.utf16_length(trimmed.text) <= length
    for kept in trimmed.entities:
        inside = cut(trimmed.text, kept["offset"], kept["length"])
        assert inside
        assert inside in text[first:last]
