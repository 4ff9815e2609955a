"""Test that an event counts until the window of its kind is over."""

import time

import pytest

from bot import recent_events


def test_an_event_counts_for_its_window(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_000_000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    before = recent_events.counts()["poll_conflicts"]
    recent_events.note("poll_conflicts")
    recent_events.note("approve_failures")
    assert recent_events.counts()["poll_conflicts"] == before + 1
    now += 61
    counted = recent_events.counts()
    assert counted["poll_conflicts"] == 0
    assert counted["approve_failures"] >= 1
    now += 300
    assert recent_events.counts()["approve_failures"] == 0


def test_a_state_is_a_number() -> None:
    recent_events.set_state("webhook_foreign", is_true=True)
    assert recent_events.counts()["webhook_foreign"] == 1
    recent_events.set_state("webhook_foreign", is_true=False)
    assert recent_events.counts()["webhook_foreign"] == 0
