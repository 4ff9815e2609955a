"""Test when the drills of an outage of Telegram move the clock to the next search."""

import pytest

from tests.drills import telegram_outages


@pytest.mark.parametrize(
    ("before", "now", "moves"),
    [
        ((2, 2, 0), (2, 2, 0), False),
        ((2, 2, 0), (2, 2, 1), False),
        ((2, 2, 0), (2, 2, 2), True),
        ((2, 2, 2), (2, 1, 4), True),
        ((2, 2, 2), (2, 0, 4), False),  # they are queued again, and are sent soon
        ((2, 0, 0), (2, 2, 0), False),
        ((2, 1, 4), (0, 0, 5), True),
    ],
)
def test_the_clock_moves_when_each_uncertain_post_was_searched(
    before: tuple[int, int, int],
    now: tuple[int, int, int],
    moves: bool,  # noqa: FBT001 - a case
) -> None:
    names = ("open", "uncertain", "searches")
    states = [dict(zip(names, each, strict=True)) for each in (now, before)]
    assert telegram_outages._has_searched(*states) is moves
