"""Test that a picture of days has a bar of the right height for each value."""

import io
from datetime import date, timedelta

import pytest
from PIL import Image

from bot import bar_chart

FIRST = date(2026, 1, 1)


def _heights(values: list[int]) -> tuple[list[int], list[int]]:
    """Return the heights of the bars above and below zero, in pixels, in the middle of each bar."""
    days = [FIRST + timedelta(days=number) for number in range(len(values))]
    with Image.open(io.BytesIO(bar_chart.draw(days, values))) as picture:
        assert (picture.format, picture.size) == ("PNG", (bar_chart.WIDTH, bar_chart.HEIGHT))
        pixels = picture.convert("RGB")
    step = (bar_chart.WIDTH - 60) / len(values)
    columns = [int(30 + step * (number + 0.5)) for number in range(len(values))]
    above, below = (
        [sum(pixels.getpixel((x, y)) == colour for y in range(bar_chart.HEIGHT)) for x in columns]
        for colour in ((0x2F, 0x6D, 0xB5), (0xB5, 0x40, 0x2F))
    )
    return above, below


def test_bars_are_as_high_as_their_values() -> None:
    above, below = _heights([0, 100, 50, -50])
    assert above[1] == pytest.approx(2 * above[2], abs=3)
    assert below[3] == pytest.approx(above[2], abs=3)
    assert max(above[0], above[3], *below[:3]) <= 1


def test_days_without_money_and_large_amounts_are_drawn() -> None:
    above, below = _heights([0] * 30)
    assert max(above + below) <= 1
    above, _ = _heights([2**62, 2**61])
    assert above[0] == pytest.approx(2 * above[1], abs=3)
