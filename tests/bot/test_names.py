"""Test that a person's name cannot change the formatting of the text around it."""

import io
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import names
from bot.cli.tables import Output, print_rows
from bot.texts import Texts


@pytest.mark.parametrize(
    ("text", "shown"), [("", ""), ("bread", "bread"), ("breads", "brea…"), ("b" * 99, "bbbb…")]
)
def test_a_text_that_is_cut_has_the_wanted_length_and_says_so(text: str, shown: str) -> None:
    assert names.shorten(text, 5) == shown


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Daily", "Daily"),
        ("", ""),
        ("Daily\n\nStatus: paid", "Daily Status: paid"),
        ("Daily\u2028News\u0085!", "Daily News !"),
        ("\u202eyliaD\u202c", "yliaD"),
        ("a\u2066b\u2069\u200e\u200f\u061c", "ab"),
        ("\x1b[31mred", " [31mred"),
        ("\u202e\u200b", names.NO_NAME),
        ("\u3164", names.NO_NAME),
        ("\u115f\u1160", names.NO_NAME),
        ("\u2800", names.NO_NAME),
        ("\u200d", names.NO_NAME),
        ("\u034f\ufe0f", names.NO_NAME),
        ("   ", names.NO_NAME),
        ("\u3000\u00a0", names.NO_NAME),
        ("👨\u200d👩\u200d👧", "👨\u200d👩\u200d👧"),
        ("1\u00a0234", "1\u00a0234"),
        ("حليب", "\u2068حليب\u2069"),
        ("half \ud83d", "half \ufffd"),
    ],
)
def test_a_name_is_shown_in_one_line_without_marks(name: str, shown: str) -> None:
    assert names.one_line(name) == shown


@given(st.text())
def test_any_name_becomes_one_harmless_line(name: str) -> None:
    shown = names.one_line(name)
    isolated = shown.removeprefix("\u2068").removesuffix("\u2069")
    assert len(shown.splitlines()) <= 1
    marks = {c for c in isolated if unicodedata.bidirectional(c) in {"LRE", "RLO", "RLI", "FSI"}}
    assert marks == set()
    encoded = shown.encode()
    assert bool(encoded) == bool(name)


def test_every_text_shows_names_in_one_line() -> None:
    name = "Daily\n\nStatus: \u202eactive"
    assert Texts("en", "USD")("channels-row", title=name, status="active") == (
        "🟢 Daily Status: active"
    )


def test_the_command_line_shows_names_in_one_line() -> None:
    shown = io.StringIO()
    print_rows(("reason",), [{"reason": "sent\nback \x1b[31m\u202e"}], Output(shown))
    assert "sent back [31m" in shown.getvalue()
    assert "\x1b" not in shown.getvalue()
