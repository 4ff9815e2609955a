"""The estimate of a latency."""

import pytest

from bot.foresight import Foresight


def test_the_estimate_rises_at_once_and_falls_slowly() -> None:
    expected = Foresight(0.05)
    expected.note(0.3)
    assert expected.seconds == pytest.approx(0.3)
    expected.note(0.1)
    assert expected.seconds == pytest.approx(0.28)
