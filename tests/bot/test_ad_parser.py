"""Test how the bot makes an ad from an advertiser's message."""

from typing import Any

import pytest
from aiogram.types import Update

from bot import ad_parser, update_filter
from bot.ad_parser import ParsedAd
from bot.telegram import ad_messages
from db.models.posting import AdPart
from services.platform import errors

PERSON = {"id": 7, "is_bot": False, "first_name": "A"}
MESSAGE = {"message_id": 1, "date": 1, "chat": {"id": 7, "type": "private"}, "from": PERSON}
PHOTO = [{"file_id": "FILE", "file_unique_id": "U", "width": 640, "height": 360}]
DOCUMENT = {"file_id": "FILE", "file_unique_id": "U", "file_name": "a.pdf"}
URL = [{"type": "url", "offset": 0, "length": 5}]
VIDEO = {"file_id": "FILE", "file_unique_id": "U", "width": 1, "height": 1, "duration": 1}
ORIGIN = {"type": "hidden_user", "date": 1, "sender_user_name": "B"}


def parse(**parts: Any) -> ParsedAd:
    """Parse a message that has these parts."""
    raw = {"update_id": 1, "message": MESSAGE | parts}
    message = Update.model_validate(update_filter.reduce(raw)).message
    assert message is not None
    parsed = ad_parser.parse_ad(message)
    assert parsed is not None
    parsed.creative.validate()
    return parsed


def sent(parsed: ParsedAd) -> dict[str, Any]:
    """Return the fields of the Bot API call that publishes a parsed ad."""
    method = ad_messages.message(-100, parsed.creative)
    return method.model_dump(exclude_none=True, warnings=False)


@pytest.mark.parametrize("kind", sorted(ad_parser.FORMATTING))
def test_every_kept_kind_of_formatting_is_published(kind: str) -> None:
    entity: dict[str, Any] = {"type": kind, "offset": 10, "length": 4}
    if kind == "date_time":
        entity |= {"unix_time": 1_790_000_000, "date_time_format": "dt"}
    if kind == "text_link":
        entity |= {"url": "https://example.com/"}
    parsed = parse(text="Sale ends date", entities=[entity])
    assert sent(parsed)["entities"] == [entity]
    assert parsed.losses == ()


@pytest.mark.parametrize("media", [{"photo": PHOTO}, {"video": VIDEO}, {"animation": VIDEO}])
def test_spoiler_and_caption_above_are_published_and_restored(media: dict[str, Any]) -> None:
    parsed = parse(
        caption="Guess what", has_media_spoiler=True, show_caption_above_media=True, **media
    )
    assert (sent(parsed)["has_spoiler"], sent(parsed)["show_caption_above_media"]) == (True, True)
    text = ad_messages.edit_part(-100, 1, parsed.creative, AdPart.TEXT)
    assert text.model_dump(warnings=False)["show_caption_above_media"] is True
    replaced = ad_messages.edit_part(-100, 1, parsed.creative, AdPart.MEDIA)
    restored = replaced.model_dump(warnings=False)["media"]
    assert (restored["has_spoiler"], restored["show_caption_above_media"]) == (True, True)
    assert parsed.losses == ()


def test_flags_that_are_not_set_are_not_stored() -> None:
    plain = parse(caption="Guess what", photo=PHOTO)
    assert {"has_spoiler", "caption_above"}.isdisjoint(plain.creative.as_json())
    assert "has_spoiler" not in sent(plain)


@pytest.mark.parametrize(
    ("loss", "parts"),
    [
        ("custom_emoji", {"entities": [{"type": "custom_emoji", "offset": 0, "length": 2}]}),
        (
            "mention",
            {"entities": [{"type": "text_mention", "offset": 0, "length": 5, "user": PERSON}]},
        ),
        ("formatting", {"entities": [{"type": "sparkles", "offset": 0, "length": 5}]}),
        ("quote", {"quote": {"text": "a", "position": 0}}),
        ("quote", {"external_reply": {"origin": ORIGIN, "chat": {"id": 1, "type": "channel"}}}),
        ("origin", {"forward_origin": ORIGIN}),
        ("origin", {"via_bot": PERSON | {"is_bot": True}}),
        ("buttons", {"reply_markup": {"inline_keyboard": [[{"text": "a", "url": "https://a.b"}]]}}),
        ("effect", {"effect_id": "5104841245755180586"}),
    ],
)
def test_what_is_lost_is_named(loss: str, parts: dict[str, Any]) -> None:
    parsed = parse(text="Bread every day", **parts)
    assert parsed.losses == (loss,)
    assert "entities" not in sent(parsed)


def test_lost_parts_of_media_are_named() -> None:
    live = {"photo": PHOTO, "live_photo": PHOTO[0] | {"duration": 1}}
    assert parse(**live).losses == ("live_photo",)
    assert parse(video=VIDEO | {"start_timestamp": 5}).losses == ("video_start",)
    assert parse(video=VIDEO | {"cover": PHOTO}).losses == ("video_start",)


@pytest.mark.parametrize(
    ("options", "stored"),
    [
        (None, {}),
        ({"is_disabled": True}, None),
        ({"prefer_small_media": True, "show_above_text": True}, {"size": "small", "above": True}),
        (
            {"url": "https://example.com/", "prefer_large_media": True},
            {"url": "https://example.com/", "size": "large"},
        ),
    ],
)
def test_a_link_preview_is_published_and_restored_as_its_author_set_it(
    options: dict[str, Any] | None, stored: dict[str, Any] | None
) -> None:
    set_by_author = {} if options is None else {"link_preview_options": options}
    parsed = parse(text="Bread", entities=URL, **set_by_author)
    assert (parsed.creative.link_preview, parsed.losses) == (stored, ())
    restored = ad_messages.edit_part(
        -100, 1, parsed.creative, ad_messages.text_part(parsed.creative)
    )
    for method in (ad_messages.message(-100, parsed.creative), restored):
        sent_options = method.model_dump(warnings=False)["link_preview_options"]
        chosen = {
            name: value
            for name, value in sent_options.items()
            if value is True or isinstance(value, str)
        }
        assert chosen == (options or {})


def test_a_text_without_a_link_and_a_file_have_no_preview() -> None:
    for parsed in (parse(text="Bread"), parse(caption="Bread", photo=PHOTO, caption_entities=URL)):
        assert "link_preview" not in parsed.creative.as_json()
        assert ad_messages.text_part(parsed.creative) is AdPart.TEXT


def test_the_previewed_page_is_checked_like_each_other_link() -> None:
    with pytest.raises(errors.InvalidCreative):
        parse(text="Bread", link_preview_options={"url": "https://a.b@evil.org/"})


def test_a_document_is_published_and_restored_with_its_caption() -> None:
    bold = [{"type": "bold", "offset": 0, "length": 5}]
    parsed = parse(caption="Bread", caption_entities=bold, document=DOCUMENT)
    assert (parsed.creative.kind, parsed.creative.file_unique_id) == ("document", "U")
    published = sent(parsed)
    assert (published["document"], published["caption_entities"]) == ("FILE", bold)
    restored = ad_messages.edit_part(-100, 1, parsed.creative, AdPart.MEDIA)
    media = restored.model_dump(exclude_none=True, warnings=False)["media"]
    assert (media["type"], media["media"], media["caption"]) == ("document", "FILE", "Bread")
    assert ad_messages.parts(parsed.creative) == [AdPart.BUTTON, AdPart.TEXT, AdPart.MEDIA]


def test_an_animation_is_no_document() -> None:
    assert parse(animation=VIDEO, document=DOCUMENT).creative.kind == "animation"


@pytest.mark.parametrize("kind", ["sticker", "poll", "voice", "video_note", "contact", "location"])
def test_other_kinds_are_no_ads(kind: str) -> None:
    raw = {"update_id": 1, "message": MESSAGE | {kind: {"file_id": "A"}}}
    message = Update.model_validate(update_filter.reduce(raw)).message
    assert message is not None
    assert ad_parser.parse_ad(message) is None
