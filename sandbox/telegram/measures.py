"""Read the size in pixels and the duration of a file."""

import io
import struct
from collections.abc import Iterator
from typing import NamedTuple

from PIL import Image, UnidentifiedImageError
from tinytag import TinyTag, TinyTagException

_BOX_HEADER = 8
_CONTAINERS = frozenset({b"moov", b"trak"})
_FIXED_POINT = 16
"""The bits after the point in the sizes of a track (ISO/IEC 14496-12, 8.3.2)."""


class Measures(NamedTuple):
    """The size of a picture in pixels, and the duration of a sound or video in seconds.

    A number is 0 if the file does not tell it.
    """

    width: int = 0
    height: int = 0
    duration: int = 0


def of_picture(content: bytes) -> Measures:
    """Return the size of a picture, or zeros if the content is no picture."""
    try:
        with Image.open(io.BytesIO(content)) as picture:
            return Measures(*picture.size)
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError):
        return Measures()


def of_sound(content: bytes) -> Measures:
    """Return the duration of a sound."""
    return Measures(duration=_seconds(content))


def of_video(content: bytes) -> Measures:
    """Return the size and the duration of a video in the format MP4."""
    sizes = [size for size in _track_sizes(content) if size != (0, 0)]
    width, height = sizes[0] if sizes else (0, 0)
    return Measures(width, height, _seconds(content))


def _seconds(content: bytes) -> int:
    try:
        tags = TinyTag.get(file_obj=io.BytesIO(content))
    except (TinyTagException, ValueError, struct.error, EOFError):
        return 0
    return round(tags.duration or 0)


def _track_sizes(content: bytes) -> Iterator[tuple[int, int]]:
    """Yield the width and the height of each track, which its header has at the end."""
    for name, start, end in _boxes(content, 0, len(content)):
        if name == b"tkhd" and end - start >= _BOX_HEADER:
            width, height = struct.unpack(">II", content[end - _BOX_HEADER : end])
            yield width >> _FIXED_POINT, height >> _FIXED_POINT


def _boxes(content: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield the name and the place of each box, and of the boxes in it."""
    while start + _BOX_HEADER <= end:
        length, name = struct.unpack(">I4s", content[start : start + _BOX_HEADER])
        if length < _BOX_HEADER:
            return
        inside = start + _BOX_HEADER, min(start + length, end)
        yield name, *inside
        if name in _CONTAINERS:
            yield from _boxes(content, *inside)
        start += length
