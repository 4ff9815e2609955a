"""The storm's own parts: what it kills at, deals out and judges. `make chaos` is the storm."""

import random

import pytest

from tests.chaos import __main__ as chaos
from tests.chaos import failpoints, rounds
from tests.chaos.oracle import judge


def test_every_named_function_is_a_failpoint() -> None:
    """A function that was renamed would silently never be killed at."""
    points = set(failpoints.points())
    for module, functions in failpoints.SERVICES.items():
        for function in functions:
            assert f"{module.rpartition('.')[2]}.{function} after commit" in points
    for place, functions in failpoints.WIRES.items():
        for function in functions:
            assert f"{place.rpartition(':')[2]}.{function} before" in points


SOUND = {
    **dict.fromkeys(chaos.NEVER, 0),
    "takeover_s_max": 31.0,
    "resolved_without_person_share": 1.0,
    "kills": chaos.LONG,
    "stopped_and_woken": 2,
    "weather": {"Valkey frozen": 3},
    "sends": {"cut_after": 1},
}


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({}, []),
        ({"duplicates": 1}, ["duplicates: 1"]),
        ({"unresolved": 2}, ["unresolved: 2"]),
        ({"takeover_s_max": 60.0}, ["takeover_s_max: 60.0"]),
        ({"resolved_without_person_share": 0.98}, ["resolved_without_person_share: 0.98"]),
        ({"resolved_without_person_share": 0.5, "kills": 8}, []),
        ({"stopped_and_woken": 0}, ["never happened: stopped and woken"]),
        ({"weather": {"Valkey frozen": 0}}, ["never happened: Valkey frozen"]),
        ({"sends": {"cut_after": 0}}, ["never happened: cut_after"]),
        ({"sends": {"cut_after": 0}, "kills": 8}, []),
    ],
)
def test_a_run_says_what_was_wrong_with_it(changed: dict[str, object], told: list[str]) -> None:
    assert chaos.wrong(SOUND | changed) == told


def test_a_deck_leaves_nothing_out() -> None:
    cards = rounds.Deck("abc", random.Random(1))  # noqa: S311 - repeatable
    assert [sorted(cards.draw() for _ in range(3)) for _ in range(4)] == [["a", "b", "c"]] * 4
    assert cards.rounds == 4


def placement(**facts: object) -> dict[str, object]:
    """One row as the judge reads it: published as message 5 and paid for."""
    return {
        "id": 1,
        "chat_id": -100,
        "text": "ad",
        "target": "posted",
        "job": "success",
        "message_id": 5,
        "escrow": "released",
        "amount": 100,
        "payouts": 1,
        "refunds": 0,
        "holds": 1,
        "was_uncertain": False,
        "on_card": False,
    } | facts


def test_the_judge_sees_what_is_wrong() -> None:
    """An oracle that never finds anything proves nothing."""
    out = {(-100, "ad"): [5]}
    nowhere: dict[tuple[int, str], list[int]] = {}
    refunded = {"target": "refunded", "escrow": "refunded", "payouts": 0, "refunds": 1}
    held = {"target": "approved", "escrow": "held", "payouts": 0}

    clean = judge([placement()], out)
    assert not any(clean[name] for name in ("duplicates", "lost", "moved_on_unknown"))
    assert clean["contradictions"] == 0
    assert judge([placement()], {(-100, "ad"): [5, 6]})["duplicates"] == 1
    assert judge([placement()], out | {(-100, "other"): [9]})["duplicates"] == 1
    assert judge([placement()], nowhere)["lost"] == 1
    assert judge([placement(job="queued", **held)], nowhere)["lost"] == 1
    assert judge([placement()], nowhere)["moved_on_unknown"] == 1
    assert judge([placement(job="failed", **refunded)], out)["moved_on_unknown"] == 1
    assert judge([placement(job="uncertain")], out)["moved_on_unknown"] == 1
    assert judge([placement(payouts=2)], out)["contradictions"] == 1
    unsure = judge([placement(job="uncertain", was_uncertain=True, **held)], out)
    assert unsure["unresolved"] == 1
    assert unsure["resolved_without_person_share"] == 0
