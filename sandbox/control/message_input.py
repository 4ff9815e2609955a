"""Read a person's new message from a request of the control API."""

from sandbox import formatting, media, messages
from sandbox.control.request import ControlRequest
from sandbox.formatting import FormattedText
from sandbox.messages import Draft
from sandbox.persistence import Json


def read_draft(request: ControlRequest) -> Draft:
    """Return the message of a request as an unsent draft."""
    entities = request.get("entities", list)
    kind = next((kind for kind in messages.MEDIA if request.flag(kind)), None)
    if kind is None:
        text = formatting.parse(request.get("text", str) or "", None, entities)
        return Draft(messages.text_fields(text))
    caption = formatting.parse(
        request.get("caption", str) or request.get("text", str) or "", None, entities
    )
    content = media_content(request, {}, caption)
    file = media.store_upload(request.state, kind, media.sample_upload(kind))
    return Draft(content | media.message_fields(file))


def media_content(request: ControlRequest, old: Json, caption: FormattedText) -> Json:
    """Return the caption and the spoiler of a message with media, without its file.

    `has_media_spoiler` and `show_caption_above_media` are those of the request, or else those of
    the message's old content.
    """
    above, has_spoiler = (
        request.flag(name, otherwise=name in old)
        for name in ("show_caption_above_media", "has_media_spoiler")
    )
    spoiler = messages.spoiler_fields(has_spoiler=has_spoiler)
    return messages.caption_fields(caption, above=above) | spoiler
