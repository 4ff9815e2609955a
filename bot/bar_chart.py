"""Draw a bar for each day, as a picture for a message."""

import io
from collections.abc import Sequence
from datetime import date

from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT = 900, 450
_MARGIN = 30
_LABEL_HEIGHT = 30
_GRID_LINES = 4
_LABELLED_DAYS = 7
"""About this many days have a label, because more would overlap on a phone."""
_BAR, _BELOW_ZERO, _GRID, _TEXT = "#2f6db5", "#b5402f", "#d8d8d8", "#333333"


def draw(days: Sequence[date], values: Sequence[int]) -> bytes:
    """Return a PNG with a bar for each day. Values below zero have bars below the zero line.

    The picture has no words and no amounts, so it is the same in each language and currency.
    """
    picture = Image.new("RGB", (WIDTH, HEIGHT), "white")
    pen = ImageDraw.Draw(picture)
    highest, lowest = max(0, *values), min(0, *values)
    bottom = HEIGHT - _LABEL_HEIGHT - _MARGIN
    scale = (bottom - _MARGIN) / max(highest - lowest, 1)
    zero = _MARGIN + highest * scale
    for line in range(_GRID_LINES + 1):
        y = _MARGIN + (bottom - _MARGIN) * line / _GRID_LINES
        pen.line((_MARGIN, y, WIDTH - _MARGIN, y), fill=_GRID)
    font = ImageFont.load_default(16)
    step = (WIDTH - 2 * _MARGIN) / len(values)
    between_labels = max(len(days) // _LABELLED_DAYS, 1)
    for number, (day, value) in enumerate(zip(days, values, strict=True)):
        left = _MARGIN + number * step
        top, end = sorted((zero, zero - value * scale))
        colour = _BAR if value >= 0 else _BELOW_ZERO
        pen.rectangle((left + step * 0.1, top, left + step * 0.9, end), fill=colour)
        if number % between_labels == 0:
            pen.text((left, bottom + _MARGIN / 3), f"{day:%m-%d}", fill=_TEXT, font=font)
    pen.line((_MARGIN, zero, WIDTH - _MARGIN, zero), fill=_TEXT)
    file = io.BytesIO()
    picture.save(file, "PNG", optimize=True)
    return file.getvalue()
