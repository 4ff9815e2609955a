"""Test how clicks wait, within a fixed amount of memory."""

from datetime import date

import pytest
from structlog.testing import capture_logs

from bot.redirect import clicks
from bot.redirect.clicks import Salts, WaitingClicks
from services.market.link_clicks import Clicks

DAY, NEXT = date(2026, 5, 1), date(2026, 5, 2)


def test_requests_of_one_person_wait_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = WaitingClicks(Salts())
    for agent in ("Firefox", "Firefox", "Chrome"):
        waiting.add_person(7, DAY, "198.51.100.1", agent)
    waiting.add_person(8, DAY, "198.51.100.1", "Firefox")
    waiting.add_program(7, DAY)
    waiting.add_program(7, DAY)
    monkeypatch.setattr(clicks, "BATCH", 2)
    first = waiting.take()
    assert [(each.target_id, each.count) for each in first] == [(7, 2), (7, 1)]
    waiting.put_back(first)
    monkeypatch.setattr(clicks, "BATCH", 10)
    taken = waiting.take()
    assert [(each.target_id, each.count, each.hash is None) for each in taken] == [
        (8, 1, False),
        (7, 2, True),
        (7, 2, False),
        (7, 1, False),
    ]
    assert len(waiting) == 0
    assert waiting.take() == []


def test_what_has_no_place_is_said_to_be_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clicks, "MOST_WAITING", 2)
    waiting = WaitingClicks(Salts())
    with capture_logs() as logs:
        for number in range(5):
            waiting.add_person(7, DAY, f"198.51.100.{number}", "Firefox")
    waiting.add_person(7, DAY, "198.51.100.0", "Firefox")
    assert len(waiting) == 2
    assert [(line["event"], line["clicks"]) for line in logs] == [("Clicks lost", 1)]
    waiting.put_back([Clicks(7, DAY, None, 4)])
    assert [each.count for each in waiting.take()] == [2, 1]


def test_one_address_cannot_be_a_crowd(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clicks, "MOST_FROM_ADDRESS", 3)
    monkeypatch.setattr(clicks, "MOST_ADDRESSES", 2)
    waiting = WaitingClicks(Salts())
    for day in (DAY, NEXT):
        for number in range(5):
            waiting.add_person(7, day, "198.51.100.1", f"Browser {number}")
    taken = waiting.take()
    assert sum(each.hash is not None for each in taken) == 6
    assert [each.count for each in taken if each.hash is None] == [2, 2]
    for number in range(5):  # behind the last address that is remembered, nobody is limited
        waiting.add_person(7, NEXT, "198.51.100.2", f"Browser {number}")
        waiting.add_person(7, NEXT, "198.51.100.3", f"Browser {number}")
    assert sum(each.hash is not None for each in waiting.take()) == 3 + 5


def test_a_salt_ends_with_its_day() -> None:
    salts = Salts()
    own = salts.of(DAY)
    assert salts.of(DAY) == own
    assert len(own) == 32
    salts.share(DAY, b"shared")
    salts.share(NEXT, b"next")
    assert (salts.of(DAY), salts.is_shared(DAY)) == (b"shared", True)
    salts.forget_before(NEXT)
    assert not salts.is_shared(DAY)
    assert salts.of(DAY) != b"shared"
    assert salts.of(NEXT) == b"next"
