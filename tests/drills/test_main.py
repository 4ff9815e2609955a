"""Test the order in which the drills begin."""

from tests.drills.__main__ import start_order
from tests.drills.catalogue import DRILLS, LONGEST


def test_the_long_drills_begin_first() -> None:
    names = list(DRILLS)
    order = start_order(names)
    assert sorted(order) == sorted(names)
    assert set(order[: len(LONGEST)]) == LONGEST
    assert start_order(["dead_bot", "restore", "crash_loop"]) == [
        "restore",
        "dead_bot",
        "crash_loop",
    ]
