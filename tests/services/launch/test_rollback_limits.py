"""Test the setting that changes the limits of the criteria of a rollback."""

import pytest

from services.launch import rollback_limits
from services.launch.criteria import CRITERIA
from services.launch.rollback_limits import DEFAULTS


def test_each_criterion_has_a_limit() -> None:
    assert {criterion.name for criterion in CRITERIA} == set(DEFAULTS)


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        ("", {}),
        (" , ", {}),
        ("conflicts=20", {"conflicts": 20}),
        (" deadlocks = 5 ,telegram_errors=1,", {"deadlocks": 5, "telegram_errors": 1}),
    ],
)
def test_named_limits_are_changed(text: str, changed: dict[str, int]) -> None:
    assert rollback_limits.parse(text) == DEFAULTS | changed


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("ledger_violations=5", "cannot change ledger_violations: it is always 1"),
        ("speed=5", "must have only these names: conflicts, approve_timeouts"),
        ("deadlocks", "must have a whole number from 1 to 1000000 behind deadlocks="),
        ("deadlocks=0", "must have a whole number"),
        ("deadlocks=-1", "must have a whole number"),
        ("deadlocks=\u0663", "must have a whole number"),
        ("deadlocks=1000001", "must have a whole number"),
        ("deadlocks=1,deadlocks=2", "must name deadlocks once"),
    ],
)
def test_anything_else_is_refused(text: str, refusal: str) -> None:
    with pytest.raises(ValueError, match="^" + refusal):
        rollback_limits.parse(text)
