"""Test which parts of a text are phone numbers."""

import pytest

from sandbox.telegram.formatting.text import format_text


@pytest.mark.parametrize(
    ("text", "offset", "length"),
    [("+12125550123", 0, 12), ("\N{CROISSANT} call +4930123456.", 8, 11), ("(+1234567)", 1, 8)],
)
def test_a_phone_number_is_found(text: str, offset: int, length: int) -> None:
    [entity] = format_text(text, None, None).entities
    assert entity == {"type": "phone_number", "offset": offset, "length": length}


@pytest.mark.parametrize(
    "text", ["+123456", "1+1234567", "+1234567890123456", "++1234567", "+1234567a"]
)
def test_other_numbers_are_not(text: str) -> None:
    assert format_text(text, None, None).entities == []


def test_a_number_inside_a_link_belongs_to_the_link() -> None:
    [entity] = format_text("https://example.com/+12125550123", None, None).entities
    assert entity["type"] == "url"
