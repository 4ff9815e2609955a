"""Parse the message of an advertiser into a creative (the content of an ad)."""

from typing import Any

from aiogram.types import Animation, Message, MessageEntity, PhotoSize, Video

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
"""The kinds of entities (formatting marks of Telegram) that the bot keeps.

Links and mentions of the form `@name` are not kept, because Telegram finds them again in the
published text. A mention of a person without a username is not kept, because it contains the
person's name.
"""


def parse_ad(message: Message) -> Creative | None:
    """Return the ad of a message, or None if the message is no text, photo, video or animation."""
    if message.text is not None:
        return Creative("text", message.text, _entities(message.entities))
    caption = message.caption or ""
    entities = _entities(message.caption_entities)
    # An animation also has a document with the same file, so it is checked before other media.
    if message.animation is not None:
        return _with_media("animation", caption, entities, message.animation)
    if message.photo:
        return _with_media("photo", caption, entities, message.photo[-1])
    if message.video is not None:
        return _with_media("video", caption, entities, message.video)
    return None


def _with_media(
    kind: str, caption: str, entities: list[dict[str, Any]], file: Animation | PhotoSize | Video
) -> Creative:
    return Creative(kind, caption, entities, file.file_id, file_unique_id=file.file_unique_id)


def _entities(entities: list[MessageEntity] | None) -> list[dict[str, Any]]:
    return [
        entity.model_dump(mode="json", exclude_none=True)
        for entity in entities or []
        if entity.type in FORMATTING
    ]
