"""Test the parser of the old Markdown. TDLib has no vectors for it."""

import pytest

from sandbox.telegram.errors import TelegramError
from sandbox.telegram.formatting.markdown import parse_markdown
from tests.sandbox.telegram.formatting.vectors import to_entity


@pytest.mark.parametrize(
    ("source", "text", "entities"),
    [
        ("", "", []),
        ("\\", "\\", []),
        ("\\a \\_\\*\\`\\[ \\\\", "\\a _*`[ \\\\", []),
        ("🏟_🏟 a_ *b*", "🏟🏟 a b", [["italic", 2, 4], ["bold", 7, 1]]),
        ("*a_b*", "a_b", [["bold", 0, 3]]),
        ("_a\\_b", "a\\b", [["italic", 0, 2]]),
        ("**a__", "a", []),
        ("`a*`", "a*", [["code", 0, 2]]),
        ("```a```", "a", [["pre", 0, 1]]),
        ("```c a```", " a", [["pre", 0, 2, "c"]]),
        ("```c\r\na```", "a", [["pre", 0, 1, "c"]]),
        ("```\n\na`b```", "\na`b", [["pre", 0, 4]]),
        ("``````", "", []),
        ("[a](t.me)b", "ab", [["text_link", 0, 1, "http://t.me/"]]),
        ("[a](t.me", "a", [["text_link", 0, 1, "http://t.me/"]]),
        ("[a](tg://user?id=5)", "a", [["text_mention", 0, 1, 5]]),
        ("[a](localhost)", "a", []),
        ("[a] b", "a b", []),
        ("[](t.me)", "(t.me)", []),
        ("[t.me]", "t.me", [["text_link", 0, 4, "http://.mee/"]]),
        ("*abcd*e\\_[t.me]", "abcde_t.me", [["bold", 0, 4], ["text_link", 6, 4, "http://t.me/"]]),
    ],
)
def test_markdown_has_the_text_and_entities_of_telegram(
    source: str, text: str, entities: list[list[object]]
) -> None:
    """The rules are those of `parse_markdown` in `MessageEntity.cpp`."""
    assert parse_markdown(source) == (text, [to_entity(row) for row in entities])


@pytest.mark.parametrize(
    ("source", "offset"), [("🏟*a", 4), ("_a_ `b", 4), ("a[b", 1), ("```a`` `", 0)]
)
def test_an_entity_without_an_end_is_refused(source: str, offset: int) -> None:
    """The text is that of `parse_markdown` in `MessageEntity.cpp`."""
    with pytest.raises(TelegramError) as refused:
        parse_markdown(source)
    sentence = f"Can't find end of the entity starting at byte offset {offset}"
    assert refused.value.description == f"Bad Request: can't parse entities: {sentence}"
