"""Test the times of the checks of a post."""

import itertools
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.posts.check_times import (
    LAST_LOOK,
    MAX_CHECKS,
    latest_next_check,
    next_check_time,
)

SENT = datetime(2030, 1, 1, tzinfo=UTC)


def plan(hours: float, *, late: timedelta = timedelta()) -> list[datetime]:
    """Return the due times of all checks if each check is done late by `late`."""
    ends = SENT + timedelta(hours=hours)
    checks = [next_check_time(SENT, ends, SENT)]
    while checks[-1] < ends:
        checks.append(next_check_time(SENT, ends, checks[-1] + late))
    return checks


@given(st.integers(1, 24 * 30))
def test_checks_are_few_ordered_and_end_with_the_promised_hours(hours: int) -> None:
    checks = plan(hours)
    assert checks == sorted(checks)
    assert checks[0] >= SENT
    assert checks[-1] == SENT + timedelta(hours=hours)
    assert checks[-2] >= checks[-1] - LAST_LOOK
    assert 2 <= len(checks) <= MAX_CHECKS + 2


@given(st.integers(1, 24 * 30), st.timedeltas(timedelta(0), timedelta(days=9)))
def test_each_part_of_the_hours_has_one_check(hours: int, late: timedelta) -> None:
    checks = plan(hours, late=late)
    assert len(checks) <= MAX_CHECKS + 2
    assert all(after > before for before, after in itertools.pairwise(checks))


def test_the_times_of_checks_are_random() -> None:
    assert len({plan(24)[0] for _ in range(20)}) == 20


def test_every_hour_of_a_day_may_have_a_check() -> None:
    hours = {(check - SENT) // timedelta(hours=1) for _ in range(400) for check in plan(24)[:-1]}
    assert hours == set(range(24))


@given(st.integers(1, 24 * 30), st.timedeltas(timedelta(0), timedelta(days=31)))
def test_no_check_is_chosen_after_the_latest_time(hours: int, passed: timedelta) -> None:
    ends_at = SENT + timedelta(hours=hours)
    chosen = next_check_time(SENT, ends_at, SENT + passed)
    latest = latest_next_check(SENT, ends_at, SENT + passed)
    assert chosen <= latest <= ends_at
