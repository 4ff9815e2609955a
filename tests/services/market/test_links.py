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
        ("example.com/?to=https://a.b", "https://example.com/?to=https://a.b"),
        ("https://xn--e1awd7f.com", "https://xn--e1awd7f.com"),
        ("https://ru.wikipedia.org/❤\ufe0f", "https://ru.wikipedia.org/❤\ufe0f"),
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
        ("https://[v1.x]", "ip"),
        ("https://exam\u3164ple.com", "hidden"),
        ("https://\u115fexample.com", "hidden"),
        ("https://\u034fexample.com", "hidden"),
        ("https://example\ufe00.com", "hidden"),
        ("https://exam\u00adple.com", "hidden"),
        ("https://exam\u200dple.com", "hidden"),
        ("https://exam\u180eple.com", "hidden"),
        ("https://exam\u2060ple.com", "hidden"),
        ("https://exam\ufeffple.com", "hidden"),
        ("https://exam\u2800ple.com", "hidden"),
        ("https://xn--", "not_http"),
        ("https://💥.com", "not_http"),
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


def _find(text: str, address: str) -> tuple[str, int, int]:
    """Return the text with the place of the address in it, in UTF-16 units."""
    before = text.partition(address)[0]
    return text, len(before.encode("utf-16-le")) // 2, len(address.encode("utf-16-le")) // 2


@pytest.mark.parametrize(
    "text",
    [
        "👍 https://bank.com/a?b=c@d now",
        "bank.com/?to=https://a@b",
        "tg://resolve?domain=x",
        "HTTP://bank.com",
        "שלום https://bank.com/a",
        "\u2067שש\u2069\nhttps://bank.com/a",
        "👩\u200d💻 https://bank.com/a",
    ],
)
def test_a_visible_address_in_a_text_is_accepted(text: str) -> None:
    address = next(word for word in text.split() if "://" in word)
    links.require_visible(*_find(text, address))


@pytest.mark.parametrize(
    ("text", "address", "why"),
    [
        ("ftp://bank.com@evil.org/x", "", "not_http"),
        ("ftp://1.2.3.4/x", "", "not_http"),
        ("see ton://transfer/x", "ton://transfer/x", "not_http"),
        ("tg://bank.com@evil", "", "user"),
        ("bank.com@evil.org/?to=://", "", "user"),
        ("user:pw@evil.org", "", "user"),
        ("1.2.3.4", "", "ip"),
        ("https://[v1.x]", "", "ip"),
        ("https://bank.com\uff20evil.org", "", "unreadable"),
        ("https://bank\u3164.com", "", "hidden"),
        ("See \u202ehttps://evil.com/moc.knab\u202c", "https://evil.com/moc.knab", "hidden"),
        ("https://evil.com/moc.knab \u202a", "https://evil.com/moc.knab", "hidden"),
        ("\u2067here: https://evil.com/a", "https://evil.com/a", "hidden"),
        ("\u200fhttps://evil.com/a", "https://evil.com/a", "hidden"),
        ("https://evil.com/a\u061c", "https://evil.com/a", "hidden"),
        ("👍\u200ehttps://evil.com/a", "https://evil.com/a", "hidden"),
    ],
)
def test_an_address_in_a_text_that_hides_where_it_leads_is_refused(
    text: str, address: str, why: str
) -> None:
    with pytest.raises(errors.InvalidCreative) as refusal:
        links.require_visible(*_find(text, address or text))
    assert (refusal.value.field, refusal.value.why) == ("url", why)


@given(st.text(max_size=60), st.integers(0, 70), st.integers(0, 70))
def test_any_place_in_a_text_is_accepted_or_refused(text: str, offset: int, length: int) -> None:
    with suppress(errors.InvalidCreative):
        links.require_visible(text, offset, length)


@given(st.text(max_size=60))
def test_any_text_is_accepted_or_refused(typed: str) -> None:
    with suppress(errors.InvalidCreative):
        links.require(links.with_scheme(typed))
