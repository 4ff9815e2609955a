"""Photos, videos and animations: uploads, file ids, and how messages show them.

Sizes in pixels and durations are not read from the bytes: every file has the same.
"""

import secrets
import struct
import zlib
from collections.abc import Mapping
from typing import Any

from sandbox.entities import File
from sandbox.errors import TelegramError, bad_request, unsupported
from sandbox.parsing import Upload
from sandbox.persistence import Json
from sandbox.state import State

WIDTH, HEIGHT, DURATION = 640, 360, 5
MAX_PHOTO = 10 * 1024 * 1024
MIME_TYPES = {"photo": "image/png", "video": "video/mp4", "animation": "video/mp4"}


def from_request(state: State, kind: str, source: Any, files: Mapping[str, Upload]) -> File:
    """The file that a request names: an upload that came with it, or a file id known here."""
    if not isinstance(source, str) or source.startswith("attach://"):
        upload = files.get(str(source).removeprefix("attach://"))
        if upload is None:
            raise bad_request("wrong remote file identifier specified")
        if not upload.content:
            raise bad_request("file must be non-empty")
        if kind == "photo" and len(upload.content) > MAX_PHOTO:
            raise TelegramError(413, "Request Entity Too Large")
        return keep(state, kind, upload)
    if "://" in source:
        raise unsupported("a file by its URL")
    known = state.files.get(source)
    if known is None:
        raise bad_request("wrong file identifier/HTTP URL specified")
    if known.kind != kind:
        raise bad_request(f"can't use file of type {known.kind.title()} as {kind.title()}")
    return known


def keep(state: State, kind: str, upload: Upload) -> File:
    """Store an upload under a new file id."""
    file = File(
        secrets.token_urlsafe(24),
        secrets.token_urlsafe(8),
        kind,
        len(upload.content),
        upload.name,
        upload.mime_type or MIME_TYPES[kind],
    )
    return state.save_file(file, upload.content)


def fields(file: File) -> Json:
    """The fields by which a message shows the file."""
    view: Json = {
        "file_id": file.id,
        "file_unique_id": file.unique_id,
        "width": WIDTH,
        "height": HEIGHT,
        "file_size": file.size,
    }
    if file.kind == "photo":
        return {"photo": [view]}
    view |= {"duration": DURATION, "mime_type": file.mime_type}
    if file.name:
        view["file_name"] = file.name
    if file.kind == "video":
        return {"video": view}
    # Telegram shows an animation as a document too, for old clients.
    document = {
        name: value for name, value in view.items() if name not in {"width", "height", "duration"}
    }
    return {"animation": view, "document": document}


def sample(kind: str) -> Upload:
    """A small file such as a person might send: a real picture, or bytes that stand for a film."""
    if kind == "photo":
        return Upload(_png(64, 36), None, "image/png")
    return Upload(b"\x00\x00\x00\x18ftypmp42" + bytes(32), f"{kind}.mp4", "video/mp4")


def _png(width: int, height: int) -> bytes:
    """A picture with a gradient."""
    rows = b"".join(
        b"\x00" + bytes(part for x in range(width) for part in (x * 4 % 256, y * 7 % 256, 160))
        for y in range(height)
    )
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", header)
        + _chunk(b"IDAT", zlib.compress(rows))
        + _chunk(b"IEND", b"")
    )


def _chunk(name: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(name + data)
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", checksum)
