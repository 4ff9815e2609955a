"""Test which web addresses an ad may link to."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.market import links
from services.platform import errors


@pytest.mark.parametrize(
    ("typed", "url"),
    [
        ("example.com/bread", "https://example.com/bread"),
        ("example.com:8080/bread", "https://example.com:8080/bread"),
        ("http://example.com", "http://example.com"),
        ("https://medium.com/@baker?mail=a@b.c", "https://medium.com/@baker?mail=a@b.c"),
        ("пример.рф", "https://пример.рф"),
        ("https://हिन्दी.भारत/a", "https://हिन्दी.भारत/a"),
        ("t.me/channel", "https://t.me/channel"),
    ],
)
def test_web_addresses_are_accepted(typed: str, url: str) -> None:
    assert links.with_scheme(typed) == url
    links.require(url)


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("mailto:someone@example.com", "email"),
        ("someone@example.com", "email"),
        ("MAILTO:someone@example.com", "email"),
        ("https://example.com@evil.org", "user"),
        ("https://user:password@example.com", "user"),
        ("https://@example.com", "user"),
        ("http://1.2.3.4", "ip"),
        ("1.2.3.4", "ip"),
        ("1.2.3.4:80", "ip"),
        ("https://[2001:db8::1]/", "ip"),
        ("https://2130706433/", "ip"),
        ("https://0x7f.1", "ip"),
        ("https://127.0.0.1./", "ip"),
        ("https://127\u30020\u30020\u30021/", "ip"),
        ("https://\uff11.2.3.4/", "ip"),
        ("https://example.com/\u202egnp.exe", "hidden"),
        ("https://exam\u200bple.com", "hidden"),
        ("https://example.com/\x00", "hidden"),
        ("https://example.com/\n", "hidden"),
        ("ftp://example.com", "not_http"),
        ("tel:+491234", "not_http"),
        ("javascript:alert(1)", "not_http"),
        ("tg://resolve?domain=x", "not_http"),
        ("https:example.com", "not_http"),
        ("https://example..com", "not_http"),
        ("https://-example.com", "not_http"),
        ("localhost:8080", "not_http"),
        ("https://exa mple.com", "unreadable"),
        ("https://example.com\\@evil.org", "user"),
        ("https://example.com/\\evil.org", "unreadable"),
        ("https://example.com:99999", "unreadable"),
        ("https://[::1", "unreadable"),
    ],
)
def test_other_addresses_are_refused_with_the_reason(typed: str, why: str) -> None:
    with pytest.raises(errors.InvalidCreative) as refusal:
        links.require(links.with_scheme(typed))
    assert (refusal.value.field, refusal.value.why) == ("url", why)


def test_the_text_of_an_ad_may_link_into_telegram() -> None:
    links.require("tg://resolve?domain=channel", schemes=links.TEXT_SCHEMES)
    with pytest.raises(errors.InvalidCreative):
        links.require("mailto:someone@example.com", schemes=links.TEXT_SCHEMES)


@given(st.text(max_size=60))
def test_any_text_is_accepted_or_refused(typed: str) -> None:
    with suppress(errors.InvalidCreative):
        links.require(links.with_scheme(typed))
