"""When a live post is looked at: at random, in every part of its hours, and at their end."""

import itertools
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.posts.verification import MAX_CHECKS, next_check_time

SENT = datetime(2030, 1, 1, tzinfo=UTC)


def plan(hours: float, *, late: timedelta = timedelta()) -> list[datetime]:
    """All looks at a post that stays, each made so late."""
    ends = SENT + timedelta(hours=hours)
    looks = [next_check_time(SENT, ends, SENT)]
    while looks[-1] < ends:
        looks.append(next_check_time(SENT, ends, looks[-1] + late))
    return looks


@given(st.integers(1, 24 * 30))
def test_looks_are_bounded_in_order_and_end_with_the_hours(hours: int) -> None:
    looks = plan(hours)
    assert looks == sorted(looks)
    assert looks[0] >= SENT
    assert looks[-1] == SENT + timedelta(hours=hours)
    assert 2 <= len(looks) <= MAX_CHECKS + 1


@given(st.integers(1, 24 * 30), st.timedeltas(timedelta(0), timedelta(days=9)))
def test_no_part_of_the_hours_is_looked_at_twice(hours: int, late: timedelta) -> None:
    looks = plan(hours, late=late)
    assert len(looks) <= MAX_CHECKS + 1
    assert all(after > before for before, after in itertools.pairwise(looks))


def test_they_cannot_be_foreseen() -> None:
    assert len({plan(24)[0] for _ in range(20)}) == 20


def test_no_hour_of_a_day_is_safe_from_them() -> None:
    seen = {(look - SENT) // timedelta(hours=1) for _ in range(400) for look in plan(24)[:-1]}
    assert seen == set(range(24))
