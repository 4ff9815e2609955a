"""Test that the judge of the server's faults finds every kind of mistake."""

import json
from typing import Any

import pytest

from tests.chaos import server_faults_report as report

AT = "2026-11-30T04:00:{:02d}.000000Z"
FAULT = {
    "name": "disk full",
    "seconds": 60.0,
    "payments": 12,
    "updates": 300,
    "resumed_after_s": 3.0,
    "answered_after_s": 9.0,
    "finished_after_s": 9.0,
    "alarms": 1,
    "ends": 1,
    "lines_per_minute": 1,
}
GOOD = {
    **dict.fromkeys(report.SHOWN, 0),
    "exits": {},
    "updates": {"sent": 400, "stored": 400, "failed": 0, "undone": 0},
    "faults": [FAULT],
}


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, []),
        ({"charges_unlike_books": 1}, ["charges_unlike_books: 1"]),
        ({"invariant_violations": 2}, ["invariant_violations: 2"]),
        ({"duplicates": 1}, ["duplicates: 1"]),
        ({"exits": {"bot": 1}}, ["bot ended with 1"]),
        ({"pending_updates": 1}, ["400 updates were sent, 400 were stored"]),
        (
            {"updates": {"sent": 400, "stored": 399, "failed": 1, "undone": 2}},
            [
                "400 updates were sent, 399 were stored",
                "1 updates are failed",
                "2 updates are undone",
            ],
        ),
    ],
)
def test_a_run_reports_its_problems(changed: dict[str, object], expected: list[str]) -> None:
    assert report.problems(GOOD | changed) == expected


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"alarms": 0}, "0 alarms, and 1 messages that it is over"),
        ({"ends": 2}, "1 alarms, and 2 messages that it is over"),
        ({"lines_per_minute": 2}, "2 lines in a minute"),
        ({"resumed_after_s": 11.0}, "it worked again only after 11.0 s"),
        ({"payments": 0}, "nobody paid or wrote"),
    ],
)
def test_a_fault_reports_its_problems(changed: dict[str, Any], expected: str) -> None:
    assert report.problems(GOOD | {"faults": [FAULT | changed]}) == [f"disk full: {expected}"]


def line(second: int, event: str = "away: waiting for it", **facts: str) -> str:
    """Return a line of a log."""
    return json.dumps({"event": event, "timestamp": AT.format(second), **facts})


def test_only_lines_about_the_fault_are_counted() -> None:
    seen = report.Observed("disk full")
    seen.told = ["\U0001f6a8 The disk is full", "✅ Over: The disk is full", "✅ Approved"]
    seen.lines = {
        "bot": [line(1), line(2, what="Redis"), line(3, "The event loop is held")],
        "scheduler": [line(1), "Traceback (most recent call last):", line(59)],
    }
    figures = seen.figures()
    assert (figures["alarms"], figures["ends"], figures["lines_per_minute"]) == (1, 1, 3)
    assert report.most_in_a_minute([line(1), line(1).replace("04:00", "04:01")]) == 1


def test_the_table_shows_every_figure() -> None:
    shown = report.table(GOOD)
    assert all(name.replace("_", " ") in shown for name in (*report.SHOWN, *report.SHOWN_OF_FAULT))
