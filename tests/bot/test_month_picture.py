"""Test that the picture of a month shows each day with its ads."""

import io
from datetime import date

from PIL import Image

from bot import month_picture

AD, CLOSED, TODAY = (0x2F, 0x6D, 0xB5), (0xD0, 0xD0, 0xD0), (0xB5, 0x40, 0x2F)
MONTH = date(2026, 6, 15)  # it begins on a Monday
COLUMN = (month_picture.WIDTH - 60) / 7
ROW = (month_picture.HEIGHT - 60) / 6


def _draw(ads: dict[date, int], closed: set[date], today: date) -> Image.Image:
    drawn = month_picture.draw(MONTH, ads, closed, today)
    with Image.open(io.BytesIO(drawn)) as picture:
        assert (picture.format, picture.size) == (
            "PNG",
            (month_picture.WIDTH, month_picture.HEIGHT),
        )
        return picture.convert("RGB")


def _count(picture: Image.Image, day: int, colour: tuple[int, int, int]) -> int:
    """Return how many pixels of a day's box have a colour."""
    row, column = divmod(day - 1, 7)
    box = picture.crop(
        (
            *(int(30 + column * COLUMN), int(30 + row * ROW)),
            *(int(30 + (column + 1) * COLUMN) - 7, int(30 + (row + 1) * ROW) - 7),
        )
    )
    return sum(pixel == colour for pixel in box.get_flattened_data())


def test_each_ad_is_a_square_on_its_day() -> None:
    picture = _draw({date(2026, 6, 2): 1, date(2026, 6, 30): 3}, set(), date(2026, 7, 1))
    one = _count(picture, 2, AD)
    assert one > 100
    assert _count(picture, 30, AD) == 3 * one
    assert _count(picture, 3, AD) == 0


def test_more_ads_than_fit_are_a_number() -> None:
    picture = _draw({date(2026, 6, 2): 40, date(2026, 6, 3): 1}, set(), date(2026, 7, 1))
    assert _count(picture, 3, AD) < _count(picture, 2, AD) < 2.5 * _count(picture, 3, AD)


def test_days_without_ads_are_grey_and_today_has_a_frame() -> None:
    picture = _draw({}, {date(2026, 6, 8)}, date(2026, 6, 9))
    assert _count(picture, 8, CLOSED) > 5_000
    assert _count(picture, 9, CLOSED) == 0
    assert _count(picture, 9, TODAY) > 500
    assert _count(picture, 8, TODAY) == 0


def test_every_month_fits() -> None:
    for month in range(1, 13):
        assert month_picture.draw(date(2027, month, 1), {}, set(), date(2027, month, 1))
