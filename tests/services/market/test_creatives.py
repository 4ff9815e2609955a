"""Test that an ad cannot be saved if Telegram would refuse it."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.market import creatives
from services.market.creatives import Creative, read_or_none, utf16_length
from services.platform import errors

TEXT = Creative("text", "Bread", [{"type": "bold", "offset": 0, "length": 5}])
PHOTO = Creative("photo", "", file_id="file-1")


@pytest.mark.parametrize(
    "ad",
    [
        TEXT,
        PHOTO,
        replace(TEXT, text="x" * 4_096),
        replace(TEXT, text="🍞" * 2_048),
        replace(PHOTO, kind="video", text="x" * 1_024),
        replace(PHOTO, kind="animation"),
        replace(PHOTO, kind="document", text="x" * 1_024),
        replace(TEXT, link_preview={}),
        replace(TEXT, link_preview={"url": "a.com/b"}),
        replace(TEXT, link_preview={"url": "https://a.com/", "size": "small", "above": True}),
        replace(TEXT, button_text="Buy", button_url="https://example.com/a?b=c"),
        replace(TEXT, button_text="Buy", button_url="http://xn--90ax2c.xn--p1ai/"),
    ],
)
def test_valid_ads_are_accepted(ad: Creative) -> None:
    assert ad.validate() is ad
    assert Creative.from_json(ad.as_json()) == ad


ITEM = Creative("photo", "Bread", file_id="1", file_unique_id="u")
ALBUM = Creative("album", items=(ITEM, replace(ITEM, kind="video", text="", has_spoiler=True)))
DOCUMENT = replace(ITEM, kind="document")


def test_an_album_is_stored_whole() -> None:
    assert ALBUM.validate() is ALBUM
    stored = json.loads(json.dumps(ALBUM.as_json()))
    assert creatives.read_or_none(stored) == ALBUM
    assert ALBUM.messages == ALBUM.items
    assert "items" not in TEXT.as_json()
    assert TEXT.messages == (TEXT,)


@pytest.mark.parametrize(
    ("album", "why"),
    [
        (replace(ALBUM, items=(ITEM,)), "number"),
        (replace(ALBUM, items=(ITEM,) * 11), "number"),
        (replace(ALBUM, items=(ITEM, DOCUMENT)), "mixed"),
        (replace(ALBUM, items=(replace(ITEM, kind="animation"), ITEM)), "mixed"),
        (replace(ALBUM, items=(ITEM, ALBUM)), "mixed"),
        (replace(ALBUM, button_text="Buy", button_url="https://example.com"), "button"),
        (replace(ALBUM, text="Bread"), "unexpected"),
        (replace(ALBUM, kind="photo"), "unexpected"),
        (replace(ALBUM, items=(ITEM, replace(ITEM, file_unique_id=None))), "unexpected"),
        (replace(ALBUM, items=(ITEM, replace(ITEM, button_text="Buy"))), "unexpected"),
    ],
)
def test_a_broken_album_is_refused(album: Creative, why: str) -> None:
    with pytest.raises(errors.InvalidCreative) as refusal:
        album.validate()
    assert (refusal.value.field, refusal.value.why) == ("album", why)
    assert read_or_none(album.as_json()) is None


def test_the_limits_and_links_of_each_item_are_checked() -> None:
    with pytest.raises(errors.InvalidText):
        replace(ALBUM, items=(ITEM, replace(ITEM, text="x" * 1_025))).validate()
    link = [{"type": "text_link", "offset": 0, "length": 5, "url": "https://1.2.3.4/"}]
    with pytest.raises(errors.InvalidCreative):
        replace(ALBUM, items=(ITEM, replace(ITEM, entities=link))).validate()


def test_an_ad_stored_without_the_identity_of_its_file_is_readable() -> None:
    stored = PHOTO.as_json()
    del stored["file_unique_id"]
    assert creatives.read_or_none(stored) == PHOTO


@pytest.mark.parametrize(
    ("ad", "field"),
    [
        (replace(TEXT, text=""), "ad"),
        (replace(TEXT, text=" \n "), "ad"),
        (replace(TEXT, text="\u3164\u2800\ufe0f"), "ad"),
        (replace(TEXT, text="x" * 4_097), "ad"),
        (replace(TEXT, text="🍞" * 2_049), "ad"),
        (replace(PHOTO, text="x" * 1_025), "ad"),
        (replace(TEXT, button_text=" ", button_url="https://example.com"), "button"),
        (replace(TEXT, button_text="x" * 65, button_url="https://example.com"), "button"),
    ],
)
def test_empty_and_too_long_texts_are_refused(ad: Creative, field: str) -> None:
    with pytest.raises(errors.InvalidText) as refusal:
        ad.validate()
    assert refusal.value.field == field


@pytest.mark.parametrize(
    ("ad", "field", "why"),
    [
        (replace(TEXT, kind="poll"), "kind", "unknown"),
        (replace(PHOTO, kind="document", has_spoiler=True), "file", "flags"),
        (replace(PHOTO, kind="document", caption_above=True), "file", "flags"),
        (replace(PHOTO, link_preview={}), "preview", "unknown"),
        (replace(TEXT, link_preview={"size": "huge"}), "preview", "unknown"),
        (replace(TEXT, link_preview={"above": False}), "preview", "unknown"),
        (replace(TEXT, link_preview={"url": 5}), "preview", "unknown"),
        (replace(TEXT, link_preview={"colour": "red"}), "preview", "unknown"),
        (replace(TEXT, link_preview={"url": "https://a@b.com/"}), "url", "user"),
        (replace(TEXT, file_id="file-1"), "file", "unexpected"),
        (replace(PHOTO, file_id=None), "file", "missing"),
        (replace(TEXT, button_text="Buy\u202enow", button_url="https://a.com"), "button", "hidden"),
        (replace(TEXT, button_text="Buy\nnow", button_url="https://a.com"), "button", "hidden"),
        (replace(TEXT, button_text="\u3164", button_url="https://a.com"), "button", "hidden"),
        (replace(TEXT, button_text="Buy"), "button", "incomplete"),
        (replace(TEXT, button_url="https://example.com"), "button", "incomplete"),
    ],
)
def test_invalid_combinations_are_refused(ad: Creative, field: str, why: str) -> None:
    with pytest.raises(errors.InvalidCreative) as refusal:
        ad.validate()
    assert (refusal.value.field, refusal.value.why) == (field, why)


@pytest.mark.parametrize(
    "url",
    [
        "example.com",
        "ftp://example.com",
        "javascript:alert(1)",
        "tg://resolve?domain=x",
        "https://",
        "https://localhost",
        "https://[::1",
        "https://exa mple.com",
        "https://example.com/a b",
        "https://example.com/\n",
        "https://example.com/" + "x" * 2_048,
        "mailto:someone@example.com",
    ],
)
def test_invalid_addresses_are_refused(url: str) -> None:
    with pytest.raises(errors.InvalidCreative) as refusal:
        replace(TEXT, button_text="Buy", button_url=url).validate()
    assert refusal.value.field == "url"


def test_a_link_in_the_text_is_checked_like_the_buttons() -> None:
    link = {"type": "text_link", "offset": 0, "length": 5, "url": "https://bank.com@evil.org/"}
    with pytest.raises(errors.InvalidCreative):
        replace(TEXT, entities=[link]).validate()
    stored = replace(TEXT, entities=[link]).as_json()
    assert read_or_none(stored) is not None, "an ad of an earlier version is still published"


def test_the_shown_text_of_a_link_has_no_marks_of_direction() -> None:
    link = {"type": "text_link", "offset": 4, "length": 8, "url": "https://evil.org/"}
    replace(TEXT, text="See moc.knab now", entities=[link]).validate()
    for shown in ("See \u202emoc.knab", "See moc.kna\u200e", "See moc.knab\u200f \u05d0"):
        with pytest.raises(errors.InvalidCreative) as refusal:
            replace(TEXT, text=shown, entities=[link]).validate()
        assert (refusal.value.field, refusal.value.why) == ("url", "hidden")


@given(st.text(max_size=50))
def test_length_is_counted_as_telegram_counts(text: str) -> None:
    assert utf16_length(text) == sum(2 if ord(character) > 0xFFFF else 1 for character in text)
