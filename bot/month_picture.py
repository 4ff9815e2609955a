"""Draw a month of a channel's calendar, as a picture for a message."""

import io
from calendar import monthrange
from collections.abc import Collection, Mapping
from datetime import date

from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT = 900, 660
_MARGIN, _GUTTER = 30, 6
_DAYS_A_WEEK, _WEEKS = 7, 6
_FREE, _CLOSED, _LINE, _TEXT, _AD, _TODAY = (
    *("#eef4fb", "#d0d0d0", "#c4ccd6"),
    *("#333333", "#2f6db5", "#b5402f"),
)
_MOST_SQUARES = 6
"""More ads than this on one day are shown as a number alone."""


def draw(month: date, ads: Mapping[date, int], closed: Collection[date], today: date) -> bytes:
    """Return a PNG of the month that contains the day `month`. Weeks begin on Monday.

    `ads` has the number of ads by day, and `closed` are the days without ads. The picture has no
    words, so it is the same in each language.
    """
    picture = Image.new("RGB", (WIDTH, HEIGHT), "white")
    pen = ImageDraw.Draw(picture)
    pen.fontmode = "L"
    first = month.replace(day=1)
    width = (WIDTH - 2 * _MARGIN) / _DAYS_A_WEEK
    height = (HEIGHT - 2 * _MARGIN) / _WEEKS
    for number in range(monthrange(first.year, first.month)[1]):
        day = first.replace(day=number + 1)
        row, column = divmod(first.weekday() + number, _DAYS_A_WEEK)
        left, top = _MARGIN + column * width, _MARGIN + row * height
        box = (left, top, left + width - _GUTTER, top + height - _GUTTER)
        is_today = day == today
        pen.rectangle(
            box,
            fill=_CLOSED if day in closed else _FREE,
            outline=_TODAY if is_today else _LINE,
            width=4 if is_today else 1,
        )
        pen.text((left + 10, top + 8), str(day.day), fill=_TEXT, font=ImageFont.load_default(22))
        _draw_ads(pen, ads.get(day, 0), left + 10, top + height - 46)
    file = io.BytesIO()
    picture.save(file, "PNG", optimize=True)
    return file.getvalue()


def _draw_ads(pen: ImageDraw.ImageDraw, ads: int, left: float, top: float) -> None:
    """Draw a square for each ad of a day, or their number beside one square."""
    shown = ads if ads <= _MOST_SQUARES else 1
    for number in range(shown):
        x = left + number * 16
        pen.rectangle((x, top + 8, x + 11, top + 26), fill=_AD)
    if ads > _MOST_SQUARES:
        pen.text((left + 20, top + 4), str(ads), fill=_AD, font=ImageFont.load_default(22))
