"""Add what a request says about its file to the message."""

from typing import Any

from aiogram.types import BufferedInputFile

from sandbox.telegram import media
from sandbox.telegram.errors import bad_request
from sandbox.telegram.method_call import MethodCall
from sandbox.telegram.parsing import Upload
from sandbox.telegram.persistence import Json

_STATED = (
    *("width", "height", "duration", "length", "performer", "title", "emoji"),
    "start_timestamp",
)
"""The facts about a file that a request may state, and that the message then has."""


def message_fields(call: MethodCall[Any], kind: str, source: Any, details: Any) -> Json:
    """Return the message fields of a file, with its thumbnail, its cover and the stated facts.

    `details` is a request or a part of an album. Raises TelegramError if there is no such file, or
    if a number is negative.
    """
    stated = _stated(kind, details)
    content = media.message_fields(media.resolve_file(call.state, kind, source, call.files))
    if kind == "photo":
        return content
    view = content[kind]
    view |= stated
    thumbnail = getattr(details, "thumbnail", None)
    if isinstance(thumbnail, BufferedInputFile):
        upload = Upload(thumbnail.data, None, None)
        view["thumbnail"] = media.photo_size(media.store_upload(call.state, "photo", upload))
    cover = getattr(details, "cover", None)
    if cover is not None:
        picture = media.resolve_file(call.state, "photo", cover, call.files)
        view["cover"] = [media.photo_size(picture)]
    return content


def _stated(kind: str, details: Any) -> Json:
    """Return the facts that a request states about its file. They come before those of the file."""
    stated = {name: getattr(details, name, None) for name in _STATED}
    for name, value in stated.items():
        if isinstance(value, int) and value < 0:
            raise bad_request(f"{kind} {name} must be non-negative")
    return {name: value for name, value in stated.items() if value}
