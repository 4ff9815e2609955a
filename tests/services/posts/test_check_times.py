"""Test the times of the checks of a post."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.market import escalations
from services.posts import check_times
from services.posts.check_times import (
    LAST_CHECK,
    MAX_CHECKS,
    latest_next_check,
    next_check_time,
)
from tests.benchmarks import alterations

RUNS = 2_000
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
    assert checks[-2] >= checks[-1] - LAST_CHECK
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


@pytest.mark.parametrize("hours", [1, 2, 3, 6, 12, 24, 72, 720])
def test_an_alteration_for_a_tenth_of_the_hours_is_probably_seen(hours: int) -> None:
    length = max(timedelta(hours=hours) / 10, timedelta(minutes=30))
    seen = 0
    for _ in range(RUNS):
        begin = SENT + (timedelta(hours=hours) - length) * check_times.RANDOM.random()
        cheat = alterations.Cheat(begin, begin + length)
        seen += alterations.simulate(cheat, hours).reported
    assert seen > RUNS * 0.7


@pytest.mark.parametrize("hours", [6, 12, 24, 72])
def test_no_owner_is_paid_for_a_post_that_was_altered_for_long(hours: int) -> None:
    at_once = alterations.paid_shares(alterations.alter_at_once, hours, runs=RUNS)
    locked_out = alterations.paid_shares(alterations.lock_out_for_a_while, hours, runs=RUNS)
    assert at_once == locked_out == [0, 0, 0]
    a_while = alterations.paid_shares(alterations.alter_for_a_while, hours, runs=RUNS)
    assert a_while[0] < 0.15
    assert a_while[1:] == [0, 0]


def test_the_simulation_finds_what_rare_checks_do_not_see(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_times, "SHORTEST_PART", timedelta(hours=6))
    assert alterations.paid_shares(alterations.alter_at_once, 6, runs=RUNS)[2] > 0.4
    assert alterations.paid_shares(alterations.alter_for_a_while, 6, runs=RUNS)[1] > 0.4


def test_the_simulation_pays_for_a_lock_out_within_the_grace(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(escalations, "GRACE_PARTS", 2)
    assert alterations.paid_shares(alterations.lock_out_for_a_while, 6, runs=RUNS)[1] > 0.15
