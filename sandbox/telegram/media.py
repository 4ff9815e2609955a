"""Store files, and build their fields in messages."""

import secrets
import struct
import zlib
from collections.abc import Callable, Mapping
from typing import Any

from sandbox.telegram import measures
from sandbox.telegram.entities import File
from sandbox.telegram.errors import TelegramError, bad_request, unsupported
from sandbox.telegram.measures import Measures
from sandbox.telegram.parsing import Upload
from sandbox.telegram.persistence import Json
from sandbox.telegram.state import State

MAX_PHOTO = 10 * 1024 * 1024
MIME_TYPES = {
    "photo": "image/png",
    "video": "video/mp4",
    "animation": "video/mp4",
    "document": "application/octet-stream",
    "audio": "audio/mpeg",
    "voice": "audio/ogg",
    "video_note": "video/mp4",
    "sticker": "image/webp",
}
MEASURE: dict[str, Callable[[bytes], Measures]] = {
    "photo": measures.of_picture,
    "video": measures.of_video,
    "animation": measures.of_video,
    "audio": measures.of_sound,
    "voice": measures.of_sound,
    "video_note": measures.of_video,
    "sticker": measures.of_picture,
}
"""How the size and the duration of each kind of file are read."""
LARGEST_SUM, LARGEST_RATIO = 10_000, 20
"""A photo's width and height together, and one divided by the other (Bot API, sendPhoto)."""


def resolve_file(state: State, kind: str, source: Any, files: Mapping[str, Upload]) -> File:
    """Return the file with the id `source`, or store an uploaded file and return it.

    Raises TelegramError if there is no such file.
    """
    if not isinstance(source, str) or source.startswith("attach://"):
        upload = files.get(str(source).removeprefix("attach://"))
        if upload is None:
            raise bad_request("wrong remote file identifier specified")
        if not upload.content:
            raise bad_request("file must be non-empty")
        if kind == "photo":
            return store_photo(state, upload)
        return store_upload(state, kind, upload)
    if "://" in source:
        raise unsupported("a file by its URL")
    known = state.files.get(source)
    if known is None:
        raise bad_request("wrong file identifier/HTTP URL specified")
    if known.kind != kind:
        raise bad_request(f"can't use file of type {known.kind.title()} as {kind.title()}")
    return known


def store_photo(state: State, upload: Upload) -> File:
    """Store an uploaded photo. Raises TelegramError if Telegram could not open or show it."""
    if len(upload.content) > MAX_PHOTO:
        raise TelegramError(413, "Request Entity Too Large")
    width, height, _ = measures.of_picture(upload.content)
    if not width or not height:
        raise bad_request("IMAGE_PROCESS_FAILED")
    if width + height > LARGEST_SUM or max(width, height) > LARGEST_RATIO * min(width, height):
        raise bad_request("PHOTO_INVALID_DIMENSIONS")
    return store_upload(state, "photo", upload)


def store_upload(state: State, kind: str, upload: Upload) -> File:
    """Store an uploaded file under a new file id, and return the file."""
    file = File(
        secrets.token_urlsafe(24),
        secrets.token_urlsafe(8),
        kind,
        len(upload.content),
        upload.name,
        upload.mime_type or MIME_TYPES[kind],
        *(MEASURE[kind](upload.content) if kind in MEASURE else Measures()),
    )
    return state.save_file(file, upload.content)


def photo_size(file: File) -> Json:
    """Return the description of a picture, or of a video's frame."""
    return {
        "file_id": file.id,
        "file_unique_id": file.unique_id,
        "width": file.width,
        "height": file.height,
        "file_size": file.size,
    }


def message_fields(file: File) -> Json:
    """Return the message fields of a file."""
    if file.kind == "photo":
        return {"photo": [photo_size(file)]}
    view = _file_view(file)
    if file.kind == "animation":
        # For old clients Telegram shows an animation as a document too.
        hidden = {"width", "height", "duration"}
        return {
            "animation": view,
            "document": {name: value for name, value in view.items() if name not in hidden},
        }
    return {file.kind: view}


def _file_view(file: File) -> Json:
    """Return the description of a file that is no photo."""
    view: Json = {"file_id": file.id, "file_unique_id": file.unique_id, "file_size": file.size}
    if file.kind in {"video", "animation", "sticker"}:
        view |= {"width": file.width, "height": file.height}
    if file.kind == "video_note":
        view["length"] = file.height
    if file.kind == "sticker":
        return view | {"type": "regular", "is_animated": False, "is_video": False}
    if file.kind != "document":
        view["duration"] = file.duration
    if file.kind != "video_note":
        view["mime_type"] = file.mime_type
        if file.name and file.kind != "voice":
            view["file_name"] = file.name
    return view


def sample_upload(kind: str) -> Upload:
    """Return a small photo, or a document, video or animation that cannot be opened."""
    if kind == "photo":
        return Upload(_make_png(64, 36), None, "image/png")
    if kind == "document":
        return Upload(b"%PDF-1.7\n", "sample.pdf", MIME_TYPES[kind])
    return Upload(b"\x00\x00\x00\x18ftypmp42" + bytes(32), f"{kind}.mp4", "video/mp4")


def _make_png(width: int, height: int) -> bytes:
    rows = b"".join(
        b"\x00" + bytes(part for x in range(width) for part in (x * 4 % 256, y * 7 % 256, 160))
        for y in range(height)
    )
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _png_chunk(b"IHDR", header)
        + _png_chunk(b"IDAT", zlib.compress(rows))
        + _png_chunk(b"IEND", b"")
    )


def _png_chunk(name: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(name + data)
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", checksum)
