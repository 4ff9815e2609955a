"""Draw pictures for tests."""

import io

from PIL import Image


def png(width: int = 64, height: int = 36, color: str = "red") -> bytes:
    """Return a picture of one colour in the format PNG."""
    file = io.BytesIO()
    Image.new("RGB", (width, height), color).save(file, "png")
    return file.getvalue()
