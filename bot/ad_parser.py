"""Parse an advertiser's Telegram message into an ad."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aiogram.types import (
    Animation,
    Document,
    LinkPreviewOptions,
    Message,
    MessageEntity,
    PhotoSize,
    Video,
)

from services.market.creatives import Creative

FORMATTING = frozenset(
    {
        "bold",
        "italic",
        "underline",
        "strikethrough",
        "spoiler",
        "blockquote",
        "expandable_blockquote",
        "code",
        "pre",
        "text_link",
        "date_time",
    }
)
"""The types of formatting that the bot keeps in an ad."""
FOUND_AGAIN = frozenset(
    {"mention", "hashtag", "cashtag", "bot_command", "url", "email", "phone_number", "bank_card"}
)
"""The types of message entities that Telegram itself finds in the published text."""
_LINKS = frozenset({"url", "text_link"})


@dataclass(frozen=True)
class ParsedAd:
    """An ad, and what the ad lost from the advertiser's message."""

    creative: Creative
    losses: tuple[str, ...]
    """The names of the lost parts, for example `custom_emoji`."""
    addresses: tuple[tuple[int, int], ...] = ()
    """The addresses in the text that Telegram turns into links, each as offset and length.

    Both are in UTF-16 units.
    """


def parse_ad(message: Message) -> ParsedAd | None:
    """Return the ad of a message, or None if the bot can't publish messages of this kind.

    Ads are texts, photos, videos, animations and documents.
    """
    creative = _creative(message)
    if creative is None:
        return None
    entities = message.entities or message.caption_entities or []
    addresses = [(entity.offset, entity.length) for entity in entities if entity.type == "url"]
    return ParsedAd(creative, tuple(_losses(message)), tuple(addresses))


def _creative(message: Message) -> Creative | None:
    if message.text is not None:
        return Creative(
            "text", message.text, _kept(message.entities), link_preview=_link_preview(message)
        )
    media: dict[str, Any] = {
        "text": message.caption or "",
        "entities": _kept(message.caption_entities),
    }
    shown = media | {
        "caption_above": bool(message.show_caption_above_media),
        "has_spoiler": bool(message.has_media_spoiler),
    }
    # An animation also has a document with the same file, so it is checked before other media.
    if message.animation is not None:
        return _with_file("animation", message.animation, shown)
    if message.photo:
        return _with_file("photo", message.photo[-1], shown)
    if message.video is not None:
        return _with_file("video", message.video, shown)
    if message.document is not None:
        return _with_file("document", message.document, media)
    return None


def _with_file(
    kind: str, file: Animation | Document | PhotoSize | Video, media: dict[str, Any]
) -> Creative:
    return Creative(kind, file_id=file.file_id, file_unique_id=file.file_unique_id, **media)


def _link_preview(message: Message) -> dict[str, Any] | None:
    """Return the link preview of a text as its author has set it, or None without a preview."""
    options = message.link_preview_options or LinkPreviewOptions()
    has_link = any(entity.type in _LINKS for entity in message.entities or [])
    if options.is_disabled is True or not (has_link or options.url):
        return None
    found = {
        "url": options.url or None,
        "size": (options.prefer_small_media is True and "small")
        or (options.prefer_large_media is True and "large")
        or None,
        "above": options.show_above_text is True or None,
    }
    return {name: value for name, value in found.items() if value is not None}


def _kept(entities: Sequence[MessageEntity] | None) -> list[dict[str, Any]]:
    return [
        entity.model_dump(mode="json", exclude_none=True)
        for entity in entities or []
        if entity.type in FORMATTING
    ]


def _losses(message: Message) -> list[str]:
    kinds = {entity.type for entity in message.entities or message.caption_entities or []}
    video = message.video
    found = {
        # A bot cannot post custom emoji in channels.
        "custom_emoji": "custom_emoji" in kinds,
        # A mention without a username contains the person's name.
        "mention": "text_mention" in kinds,
        "formatting": kinds - FORMATTING - FOUND_AGAIN - {"custom_emoji", "text_mention"},
        "quote": message.quote or message.external_reply,
        "origin": message.forward_origin or message.via_bot,
        "buttons": message.reply_markup,
        "effect": message.effect_id,
        "live_photo": message.live_photo,
        "video_start": video is not None and (video.cover or video.start_timestamp),
    }
    return [loss for loss, is_lost in found.items() if is_lost]
