"""Read a person's new message from a request of the control API."""

from sandbox import formatting, media, messages
from sandbox.control.request import ControlRequest
from sandbox.messages import Draft

MEDIA_FLAGS = ("has_media_spoiler", "show_caption_above_media")


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
    content = messages.caption_fields(caption)
    content |= {name: True for name in MEDIA_FLAGS if request.flag(name)}
    file = media.store_upload(request.state, kind, media.sample_upload(kind))
    return Draft(content | media.message_fields(file))
