"""Read a person's new message from a request of the control API."""

from sandbox.telegram import media, messages
from sandbox.telegram.control.request import ControlRequest, find_chat, find_message
from sandbox.telegram.entities import File
from sandbox.telegram.errors import ControlError
from sandbox.telegram.formatting.entity import FormattedText
from sandbox.telegram.formatting.text import format_text
from sandbox.telegram.messages import Draft
from sandbox.telegram.persistence import Json

_FILE: Json = {"file_id": "other", "file_unique_id": "other"}
OTHERS: dict[str, Json] = {
    "sticker": _FILE
    | {"type": "regular", "width": 512, "height": 512, "is_animated": False, "is_video": False},
    "voice": _FILE | {"duration": 3},
    "video_note": _FILE | {"length": 240, "duration": 3},
    "contact": {"phone_number": "+1", "first_name": "Contact"},
    "location": {"latitude": 0.0, "longitude": 0.0},
}
"""The contents of messages that are neither a text nor a file with a caption."""


def read_draft(request: ControlRequest) -> Draft:
    """Return the message of a request as an unsent draft."""
    source = request.get("forward_from", dict)
    draft = Draft(_read_content(request)) if source is None else _read_forward(request, source)
    album = request.get("media_group_id", str)
    if album is not None:
        draft.extra["media_group_id"] = album
    return draft


def _read_content(request: ControlRequest) -> Json:
    other = next((kind for kind in OTHERS if request.flag(kind)), None)
    if other is not None:
        return {other: OTHERS[other]}
    entities = request.get("entities", list)
    kind = next((kind for kind in messages.FILES if request.body.get(kind)), None)
    if kind is None:
        text = format_text(request.get("text", str) or "", None, entities)
        return messages.text_fields(text) | preview_options(request, {})
    caption = format_text(
        request.get("caption", str) or request.get("text", str) or "", None, entities
    )
    content = media.message_fields(read_file(request, kind, request.body[kind]))
    return media_content(request, {}, caption, shown=messages.shows_media(content)) | content


def read_file(request: ControlRequest, kind: str, given: object) -> File:
    """Return the uploaded file with the id `given`, or a new sample file if `given` is true."""
    if given is True:
        return media.store_upload(request.state, kind, media.sample_upload(kind))
    file = request.state.files.get(given) if isinstance(given, str) else None
    if file is None or file.kind != kind:
        raise ControlError(f"{kind} must be true, or the id of an uploaded {kind}")
    return file


def _read_forward(request: ControlRequest, source: Json) -> Draft:
    """Return a forward of a message that the person can see."""
    chat_id, message_id = source.get("chat_id"), source.get("message_id")
    if not isinstance(chat_id, int) or not isinstance(message_id, int):
        raise ControlError("forward_from needs the numbers chat_id and message_id")
    original = find_message(request.state, find_chat(request.state, chat_id), message_id)
    return Draft(messages.forwarded_content(original), messages.forwarded_keyboard(original))


def preview_options(request: ControlRequest, old: Json) -> Json:
    """Return the options of a text's link preview: those of the request, else those of `old`."""
    options = request.get("link_preview_options", dict)
    if options is None:
        options = old.get("link_preview_options")
    return {"link_preview_options": options} if options else {}


def media_content(
    request: ControlRequest, old: Json, caption: FormattedText, *, shown: bool
) -> Json:
    """Return the caption and the spoiler of a message with a file, without its file.

    `has_media_spoiler` and `show_caption_above_media` are those of the request, or else those of
    the message's old content. A file that is not `shown` has neither.
    """
    above, has_spoiler = (
        shown and request.flag(name, otherwise=name in old)
        for name in ("show_caption_above_media", "has_media_spoiler")
    )
    spoiler = messages.spoiler_fields(has_spoiler=has_spoiler)
    return messages.caption_fields(caption, above=above) | spoiler
