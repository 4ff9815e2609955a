"""Test the finding of links and e-mail addresses with the vectors of TDLib."""

from itertools import product

import pytest

from sandbox.telegram.formatting import urls
from tests.sandbox.telegram.formatting import vectors

ROWS = vectors.read("urls")


@pytest.mark.parametrize(("text", "links", "emails"), ROWS["url"])
def test_telegram_finds_the_same_links(text: str, links: list[str], emails: list[str]) -> None:
    """The vectors are those of `url` in `test/message_entities.cpp`."""
    found = [(text[begin:end], email) for (begin, end), email in urls.find_urls(text)]
    assert [part for part, email in found if not email] == links
    assert [part for part, email in found if email] == emails


@pytest.mark.parametrize(("text", "links"), ROWS["tg_url"])
def test_telegram_finds_the_same_links_to_itself(text: str, links: list[str]) -> None:
    """The vectors are those of `tg_url` in `test/message_entities.cpp`."""
    assert [text[begin:end] for begin, end in urls.find_tg_urls(text)] == links


@pytest.mark.parametrize(("text", "expected"), ROWS["email"])
def test_telegram_knows_the_same_email_addresses(text: str, *, expected: bool) -> None:
    """The vectors are those of `is_email_address` in `test/message_entities.cpp`."""
    assert urls.is_email(text) is expected


@pytest.mark.parametrize("user", ["good_userdatas", "bad_userdatas"])
@pytest.mark.parametrize("domain", ["good_domains", "bad_domains"])
def test_an_email_address_needs_a_right_name_and_a_right_domain(user: str, domain: str) -> None:
    """The vectors are those of `is_email_address` in `test/message_entities.cpp`."""
    good = (user, domain) == ("good_userdatas", "good_domains")
    for name, place in product(ROWS[user], ROWS[domain]):
        assert urls.is_email(f"{name}@{place}") is good
        assert not urls.is_email(f"{name}{place}")
