"""An advertiser's message as the ad that they mean."""

from typing import Any

from aiogram.types import Message, MessageEntity

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
        "custom_emoji",
    }
)
"""What is kept of a text's entities. Mentions and links Telegram finds again by itself, and a
mention of a person without a username would keep that person's name."""


def parse_ad(message: Message) -> Creative | None:
    """Take the ad out of a message; None if it is no text, photo, video or animation."""
    if message.text is not None:
        return Creative("text", message.text, _entities(message.entities))
    caption = message.caption or ""
    entities = _entities(message.caption_entities)
    # An animation comes with a document of the same file: it is looked at before the others.
    if message.animation is not None:
        return Creative("animation", caption, entities, message.animation.file_id)
    if message.photo:
        return Creative("photo", caption, entities, message.photo[-1].file_id)
    if message.video is not None:
        return Creative("video", caption, entities, message.video.file_id)
    return None


def _entities(found: list[MessageEntity] | None) -> list[dict[str, Any]]:
    return [
        entity.model_dump(mode="json", exclude_none=True)
        for entity in found or []
        if entity.type in FORMATTING
    ]
