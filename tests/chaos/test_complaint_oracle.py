"""Test the judge of the complaints of a chaos run."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.chaos.complaint_oracle import judge_complaints

UNANSWERED_APPEAL = {"appeal without an answer", "split"}
REFUNDED = {"outcome": "refunded", "owner_percent": 0, "parts": '{"8": 100}'}


def complaint(*steps: str, **facts: object) -> dict[str, object]:
    """Return a complaint of the first five minutes of 2026, with these steps."""
    begun = datetime(2026, 1, 1, tzinfo=UTC)
    return {
        "id": 1,
        "outcome": "satisfied",
        "created_at": begun,
        "closed_at": begun + timedelta(minutes=5),
        "appealed": "appealed" in steps,
        "accepted": False,
        "steps": ["opened", *steps],
        "moved_at": [begun + timedelta(minutes=6)],
    } | facts


@pytest.mark.parametrize(
    ("changed", "unended", "settled"),
    [
        ({}, 0, 0),
        ({"moved_at": None}, 0, 0),
        ({"closed_at": None, "outcome": None, "moved_at": None}, 1, 0),
        ({"closed_at": None, "outcome": None}, 1, 1),
        ({"moved_at": [datetime(2026, 1, 1, 0, 4, tzinfo=UTC)]}, 0, 1),
        ({"moved_at": [datetime(2025, 12, 31, tzinfo=UTC)]}, 0, 0),
    ],
)
def test_the_oracle_finds_an_open_complaint(
    changed: dict[str, object], unended: int, settled: int
) -> None:
    verdict = judge_complaints([complaint("satisfied", **changed)], [])
    assert verdict["complaints_without_end"] == unended
    assert verdict["settled_despite_complaint"] == settled


@pytest.mark.parametrize(
    ("steps", "facts", "events"),
    [
        (["timed_out", "satisfied"], {}, {"silent owner", "satisfied"}),
        (["answered", "timed_out"], {"outcome": "silent"}, {"answered", "silent"}),
        (
            ["timed_out", "reminded", "timed_out"],
            {"outcome": "unanswered"},
            {"silent owner", "reminded", "unanswered"},
        ),
        (
            ["timed_out", "decided", "appealed", "reminded", "timed_out"],
            {"outcome": "split"},
            {
                "silent owner",
                "decided",
                "appealed",
                "reminded",
                "appeal without an answer",
                "split",
            },
        ),
        (
            ["timed_out", "decided", "appealed", "decided", "ended"],
            {"outcome": "refunded"},
            {"silent owner", "decided", "appealed", "appeal decided", "ended", "refunded"},
        ),
        (
            ["timed_out", "decided", "accepted", "accepted", "ended"],
            {"outcome": "released", "accepted": True},
            {"silent owner", "decided", "accepted", "both accepted", "ended", "released"},
        ),
        (
            ["timed_out", "decided", "accepted", "ended"],
            {"outcome": "released"},
            {"silent owner", "decided", "accepted", "appeal time ended", "ended", "released"},
        ),
    ],
)
def test_the_oracle_names_what_happened_in_a_complaint(
    steps: list[str], facts: dict[str, object], events: set[str]
) -> None:
    verdict = judge_complaints([complaint(*steps, **facts)], [])
    assert set(verdict["complaints"]) == events | {"opened"}


@pytest.mark.parametrize(
    ("changed", "wrong"),
    [
        ({}, 0),
        ({"parts": '{"8": 63, "7": 34}'}, 1),
        ({"parts": '{"8": 63, "7": 34, "-7": 2}'}, 1),
        ({"parts": '{"8": 62, "7": 35, "-7": 3}'}, 1),
        ({"parts": '{"8": 63, "7": 34, "-7": 3, "9": 1}'}, 1),
        ({"outcome": "released", "owner_percent": 100}, 1),
        ({"outcome": "released", "owner_percent": 100, "parts": '{"7": 90, "-7": 10}'}, 0),
        ({"outcome": None, "owner_percent": 100, "parts": '{"7": 90, "-7": 10}'}, 0),
        ({"outcome": "refunded", "owner_percent": 0, "parts": '{"8": 100}'}, 1),
        (
            {
                "outcome": "refunded",
                "owner_percent": 0,
                "parts": '{"8": 100}',
                "status": "refunded",
            },
            0,
        ),
        ({"status": "refunded", "parts": '{"8": 100}'}, 0),
        ({"status": "refunded", "parts": '{"8": 99}'}, 1),
        ({"advertiser_id": 7, "parts": '{"7": 97, "-7": 3}'}, 0),
    ],
)
def test_the_oracle_compares_the_parts_with_the_decision(
    changed: dict[str, object], wrong: int
) -> None:
    split = {
        "id": 1,
        "owner_id": 7,
        "advertiser_id": 8,
        "amount": 100,
        "fee_bps": 1_000,
        "status": "released",
        "outcome": "split",
        "owner_percent": 37,
        "parts": '{"8": 63, "7": 34, "-7": 3}',
    }
    assert judge_complaints([], [split | changed])["parts_unlike_decisions"] == wrong
