"""Test how the bot makes an ad from an advertiser's message."""

from typing import Any

import pytest
from aiogram.types import Update

from bot import ad_parser, update_filter
from bot.ad_parser import ParsedAd
from bot.telegram import ad_messages
from db.models.posting import AdPart

PERSON = {"id": 7, "is_bot": False, "first_name": "A"}
MESSAGE = {"message_id": 1, "date": 1, "chat": {"id": 7, "type": "private"}, "from": PERSON}
PHOTO = [{"file_id": "FILE", "file_unique_id": "U", "width": 640, "height": 360}]
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
    assert set(parsed.losses) <= {"link_preview"}


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
        ("link_preview", {"entities": [{"type": "url", "offset": 0, "length": 5}]}),
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


def test_a_preview_that_was_switched_off_is_not_lost() -> None:
    link = [{"type": "url", "offset": 0, "length": 5}]
    off = parse(text="Bread", entities=link, link_preview_options={"is_disabled": True})
    assert off.losses == ()
