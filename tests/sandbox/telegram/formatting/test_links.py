"""Test the checks of addresses with the vectors of TDLib."""

import re

import pytest

from sandbox.telegram.formatting import links
from tests.sandbox.telegram.formatting import vectors


@pytest.mark.parametrize(("link", "expected"), vectors.read("links"))
def test_telegram_stores_the_same_address(link: str, expected: str | None) -> None:
    """The vectors are those of `check_link` in `test/link.cpp`."""
    if expected is None:
        with pytest.raises(links.LinkError):
            links.check_link(link)
    else:
        assert links.check_link(link) == expected


@pytest.mark.parametrize(
    ("link", "reason"),
    [
        ("sftp://a.b", "Unsupported URL protocol"),
        ("a.b:65536", "Wrong port number specified in the URL"),
        ("a.b:", "Wrong port number specified in the URL"),
        ("", "URL host is empty"),
        (".", "Host is invalid"),
        ("localhost", "Wrong HTTP URL"),
        ("[::g]", "Wrong IPv6 address specified in the URL"),
        ("a b.c", "Disallowed character in URL host"),
        ("a%4.c", "Wrong percent-encoded symbol in URL host"),
        ("x y@b.c", "Disallowed character in URL userinfo"),
        ("tg:a.b", "Unallowed characters in URL host"),
        ("tg:a:1", "Wrong tg URL"),
        ("ton:x@a", "Wrong ton URL"),
    ],
)
def test_a_wrong_address_has_the_reason_of_telegram(link: str, reason: str) -> None:
    """The texts are those of `parse_url` in `HttpUrl.cpp` and `check_link_impl` of TDLib."""
    with pytest.raises(links.LinkError, match=re.escape(reason)):
        links.check_link(link)


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("a.b:065535?x y", "http://a.b:65535/?x%20y"),
        ("HTTPS://User:P@A.ru/B", "https://User:P@a.ru/B"),
    ],
)
def test_an_address_is_stored_with_its_port_and_login(link: str, expected: str) -> None:
    assert links.check_link(link) == expected
