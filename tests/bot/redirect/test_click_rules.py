"""Test which requests are clicks of people, by the rules that docs/results.md publishes."""

from pathlib import Path

import pytest

from bot.redirect import click_rules
from bot.redirect.click_rules import is_program

PAGE = Path(__file__).parents[3] / "docs/results.md"
PHONE = (
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/126.0 Mobile Safari/537.36"
)
PERSON = {"User-Agent": PHONE}


@pytest.mark.parametrize(
    "agent",
    [
        PHONE,
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148",
        "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    ],
)
def test_a_browser_is_a_person(agent: str) -> None:
    assert not is_program("GET", {"User-Agent": agent})


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("HEAD", PERSON),
        ("GET", {}),
        ("GET", {"User-Agent": "  "}),
        ("GET", {"User-Agent": "TelegramBot (like TwitterBot)"}),
        ("GET", {"User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1)"}),
        ("GET", {"User-Agent": "curl/8.5.0"}),
        ("GET", PERSON | {"Purpose": "prefetch"}),
        ("GET", PERSON | {"Sec-Purpose": "prefetch;prerender"}),
        ("GET", PERSON | {"X-Moz": "Prefetch"}),
    ],
)
def test_programs_and_pages_loaded_in_advance_are_no_clicks(
    method: str, headers: dict[str, str]
) -> None:
    assert is_program(method, headers)


def test_the_page_publishes_every_rule() -> None:
    page = PAGE.read_text()
    for word in (
        *click_rules.PROGRAMS,
        *click_rules.PREFETCH_HEADERS,
        *click_rules.PREFETCH_WORDS,
    ):
        assert f"`{word}`" in page
