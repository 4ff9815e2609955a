"""Test the comparison of an ad with a forwarded copy of its post."""

from dataclasses import replace
from typing import Any

import pytest

from bot.telegram import ad_comparison
from bot.telegram.ad_comparison import Comparison
from services.market.creatives import Creative

LINK = {"type": "text_link", "offset": 0, "length": 5, "url": "https://Bread.example"}
BOLD = {"type": "bold", "offset": 0, "length": 5}
TEXT = Creative("text", "Fresh bread", [BOLD, LINK])
WITH_BUTTON = replace(TEXT, button_text="Buy", button_url="https://Bread.example?from=Tg")
PREVIEWED = replace(TEXT, link_preview={"size": "large", "above": True})
LARGE_ABOVE = {"prefer_large_media": True, "show_above_text": True}
DOCUMENT = Creative("document", "", file_id="f", file_unique_id="u")
ANIMATION = replace(DOCUMENT, kind="animation")
PHOTO = Creative("photo", "", file_id="f", file_unique_id="u")
MESSAGE = {"message_id": 7, "text": TEXT.text, "entities": [BOLD, LINK]}
KEYBOARD = {"inline_keyboard": [[{"text": "Buy", "url": "https://bread.example/?from=Tg"}]]}
SPOILER = {"has_media_spoiler": True}
ABOVE = {"show_caption_above_media": True}
SIZES = [{"file_id": "s", "file_unique_id": "small"}, {"file_id": "x", "file_unique_id": "u"}]


def entity(kind: str, **more: Any) -> dict[str, Any]:
    """Return a formatting entity for one character."""
    return {"type": kind, "offset": 6, "length": 1} | more


@pytest.mark.parametrize(
    ("message", "ad"),
    [
        (MESSAGE, TEXT),
        (MESSAGE | {"entities": [LINK, BOLD]}, TEXT),
        (MESSAGE | {"entities": [BOLD, LINK | {"url": "https://bread.example/"}]}, TEXT),
        *(
            (MESSAGE | {"entities": [BOLD, LINK, entity(kind)]}, TEXT)
            for kind in sorted(ad_comparison.ADDED_BY_TELEGRAM)
        ),
        (
            MESSAGE,
            replace(TEXT, entities=[BOLD, LINK, entity("custom_emoji", custom_emoji_id="1")]),
        ),
        (
            MESSAGE,
            replace(
                TEXT,
                text=f" \n{TEXT.text} ",
                entities=[BOLD | {"offset": 2}, LINK | {"offset": 2}],
            ),
        ),
        (MESSAGE | {"reply_markup": KEYBOARD}, WITH_BUTTON),
        ({"photo": SIZES}, PHOTO),
        ({"photo": SIZES, "caption": "Hi"}, replace(PHOTO, text="Hi")),
        ({"photo": SIZES} | SPOILER, replace(PHOTO, has_spoiler=True)),
        (
            {"photo": SIZES, "caption": "Hi"} | ABOVE,
            replace(PHOTO, text="Hi", caption_above=True),
        ),
        ({"document": SIZES[1]}, DOCUMENT),
        ({"animation": SIZES[1], "document": SIZES[1]}, ANIMATION),
        (MESSAGE, PREVIEWED),
        (MESSAGE | {"link_preview_options": LARGE_ABOVE}, PREVIEWED),
        (MESSAGE | {"link_preview_options": {"is_disabled": True}}, TEXT),
        # An empty caption has no place.
        ({"photo": SIZES}, replace(PHOTO, caption_above=True)),
        (
            {"animation": SIZES[1], "document": SIZES[1]},
            replace(PHOTO, kind="animation"),
        ),
    ],
)
def test_what_telegram_changes_by_itself_is_no_difference(
    message: dict[str, Any], ad: Creative
) -> None:
    assert ad_comparison.compare(message, ad) is Comparison.SAME


@pytest.mark.parametrize(
    ("message", "ad"),
    [
        (MESSAGE | {"text": "Old bread"}, TEXT),
        (MESSAGE | {"entities": [BOLD]}, TEXT),
        (MESSAGE | {"entities": [BOLD, LINK, entity("spoiler")]}, TEXT),
        (MESSAGE | {"entities": [BOLD | {"length": 4}, LINK]}, TEXT),
        (MESSAGE | {"entities": [BOLD, LINK | {"url": "https://cake.example"}]}, TEXT),
        (MESSAGE | {"entities": [BOLD, LINK | {"url": "https://bread.example/Cake"}]}, TEXT),
        (MESSAGE | {"reply_markup": KEYBOARD}, TEXT),
        (MESSAGE | {"reply_markup": KEYBOARD}, replace(WITH_BUTTON, button_text="Go")),
        (
            MESSAGE | {"reply_markup": KEYBOARD},
            replace(WITH_BUTTON, button_url="https://bread.example/?from=tg"),
        ),
        (
            MESSAGE | {"reply_markup": {"inline_keyboard": KEYBOARD["inline_keyboard"] * 2}},
            WITH_BUTTON,
        ),
        ({"caption": TEXT.text, "caption_entities": [BOLD, LINK], "photo": SIZES}, TEXT),
        (MESSAGE | {"photo": SIZES}, TEXT),
        ({"photo": SIZES[:1]}, PHOTO),
        ({"photo": SIZES, "caption": "Hi"}, PHOTO),
        ({"video": SIZES[1]}, PHOTO),
        ({"photo": SIZES} | SPOILER, PHOTO),
        ({"photo": SIZES, "caption": "Hi"} | ABOVE, replace(PHOTO, text="Hi")),
        (
            {"photo": SIZES, "caption": "Hi"} | ABOVE,
            replace(PHOTO, text="Hi", has_spoiler=True),
        ),
        ({"text": "Hi"}, replace(PHOTO, text="Hi")),
        ({"document": SIZES[0]}, DOCUMENT),
        ({"document": SIZES[1]}, PHOTO),
        ({"animation": SIZES[1], "document": SIZES[1]}, DOCUMENT),
        (MESSAGE | {"document": SIZES[1]}, TEXT),
        ({}, PHOTO),
    ],
)
def test_another_content_is_a_difference(message: dict[str, Any], ad: Creative) -> None:
    assert ad_comparison.compare(message, ad) is Comparison.DIFFERENT


@pytest.mark.parametrize(
    ("message", "ad"),
    [
        ({"photo": SIZES}, replace(PHOTO, file_unique_id=None)),
        (MESSAGE, WITH_BUTTON),
        (MESSAGE | {"link_preview_options": {"prefer_large_media": True}}, PREVIEWED),
        (MESSAGE | {"link_preview_options": {"is_disabled": True}}, PREVIEWED),
        (MESSAGE | {"link_preview_options": LARGE_ABOVE}, TEXT),
        ({"photo": SIZES}, replace(PHOTO, has_spoiler=True)),
        ({"photo": SIZES, "caption": "Hi"}, replace(PHOTO, text="Hi", caption_above=True)),
    ],
)
def test_what_is_not_shown_proves_nothing(message: dict[str, Any], ad: Creative) -> None:
    assert ad_comparison.compare(message, ad) is Comparison.UNKNOWN
