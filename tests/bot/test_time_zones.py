"""Test the names of time zones: typed by a person, and shown by the bot."""
# ruff: noqa: RUF001 - people type Cyrillic letters

import zoneinfo
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import time_zones

AT = datetime(2026, 1, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("typed", "zone"),
    [
        ("Berlin", "Europe/Berlin"),
        ("new york", "America/New_York"),
        ("europe/moscow", "Europe/Moscow"),
        ("UTC", "UTC"),
        ("Etc/GMT+3", "Etc/GMT+3"),
        ("msk", "Europe/Moscow"),
        ("МСК", "Europe/Moscow"),
        ("Atlantis", None),
        ("../../etc/passwd", None),
        ("localtime", None),
        ("Factory", None),
        ("IST", None),
        ("", None),
    ],
)
def test_a_zone_is_found_by_its_city(typed: str, zone: str | None) -> None:
    assert time_zones.find(typed) == zone


@pytest.mark.parametrize(
    ("typed", "hours"),
    [
        ("GMT+3", 3),
        ("gmt-5", -5),
        ("UTC +3", 3),
        ("UTC+03:00", 3),
        ("UTC\u22123", -3),
        ("+3", 3),
        ("+0530", 5.5),
        ("utc+5:45", 5.75),
        ("-9:30", -9.5),
        ("МСК+2", 5),
        ("msk-1", 2),
        ("GMT+0", 0),
        ("+14", 14),
    ],
)
def test_the_sign_of_a_difference_is_the_one_that_people_mean(typed: str, hours: float) -> None:
    found = time_zones.find(typed)
    assert found is not None
    assert AT.astimezone(time_zones.zone(found)).utcoffset() == timedelta(hours=hours)


@pytest.mark.parametrize("typed", ["GMT+15", "UTC-13", "+3:17", "GMT+99:99", "3", "GMT++3"])
def test_a_difference_that_no_place_has_is_asked_again(typed: str) -> None:
    assert time_zones.find(typed) is None


def test_a_word_of_several_zones_is_asked_again() -> None:
    assert time_zones.find("west") is None  # Brazil/West and Australia/West


@given(st.text(max_size=40))
def test_the_finder_of_zones_accepts_any_text(typed: str) -> None:
    found = time_zones.find(typed)
    assert found is None or time_zones.label(found)


@pytest.mark.parametrize(
    ("name", "shown"),
    [("Etc/GMT-3", "UTC+3"), ("Etc/GMT+5", "UTC-5"), ("Europe/Berlin", "Europe/Berlin")],
)
def test_a_zone_is_named_with_the_sign_that_people_mean(name: str, shown: str) -> None:
    assert time_zones.label(name) == shown


@pytest.mark.parametrize("name", [None, "Mars/Olympus", "../etc/passwd", "Europe"])
def test_a_zone_without_data_is_utc(name: str | None) -> None:
    assert AT.astimezone(time_zones.zone(name)).tzname() == "UTC"


@pytest.fixture
def _no_zone_data_of_the_machine() -> Iterator[None]:
    """Let Python find time zones only in the requirements."""
    zoneinfo.reset_tzpath([])
    zoneinfo.ZoneInfo.clear_cache()
    yield
    zoneinfo.reset_tzpath()
    zoneinfo.ZoneInfo.clear_cache()


@pytest.mark.usefixtures("_no_zone_data_of_the_machine")
def test_zones_are_known_on_a_machine_without_zone_data() -> None:
    assert zoneinfo.TZPATH == ()
    assert time_zones.find("berlin") == "Europe/Berlin"
    assert time_zones.find("+05:45") == "Asia/Kathmandu"
    summer = datetime(2026, 7, 15, tzinfo=time_zones.zone("Europe/Berlin"))
    assert summer.utcoffset() == timedelta(hours=2)
    assert summer.tzname() == "CEST"
