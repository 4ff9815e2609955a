"""Test how amounts and times are read and shown."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot import formatting
from bot.texts import Texts
from db import currencies


@pytest.mark.parametrize(
    ("typed", "currency", "language", "minor"),
    [
        ("100", "USD", "en", 10_000),
        (" $100.5 ", "USD", "en", 10_050),
        ("1,234.56", "USD", "en", 123_456),
        ("5 USD", "USD", "en", 500),
        ("1 234,50", "USD", "ru", 123_450),
        ("100", "XTR", "en", 100),
        ("50 ⭐", "XTR", "en", 50),
        ("100", "JPY", "en", 100),
        ("5,000", "RSD", "en", 500_000),
        ("5 usd", "USD", "en", 500),
        ("USD 5", "USD", "ru", 500),
        ("⭐5", "XTR", "en", 5),
        ("5 ⭐\ufe0f", "XTR", "ru", 5),
        ("5 XTR", "XTR", "en", 5),
    ],
)
def test_an_amount_is_read_into_minor_units(
    typed: str, currency: str, language: str, minor: int
) -> None:
    assert formatting.parse_money(typed, currency, language) == minor


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "0",
        "-5",
        "abc",
        "1e5",
        "0x10",
        "1.234",
        "0.001",
        "1,2,3.4",
        "NaN",
        "∞",
        "١٢",
        "5;",
        "9" * 40,
        "1.000",
        "1.0000",
        "1.000,50",
        "1 000",
        "12,34",
        "1'000",
        "１２",  # noqa: RUF001 - digits of another width
    ],
)
def test_invalid_amounts_are_refused(typed: str) -> None:
    assert formatting.parse_money(typed, "USD", "en") is None


@pytest.mark.parametrize(
    ("typed", "currency", "language"),
    [("1.000", "USD", "ru"), ("1,000", "USD", "ru"), ("1.000", "JPY", "en"), ("1,0", "JPY", "ru")],
)
def test_a_number_that_is_a_thousand_elsewhere_is_asked_again(
    typed: str, currency: str, language: str
) -> None:
    assert formatting.parse_money(typed, currency, language) is None


@pytest.mark.parametrize(
    ("typed", "currency"),
    [
        ("5 ⭐", "USD"),
        ("5⭐\ufe0f", "USD"),
        ("5 XTR", "USD"),
        ("5 EUR", "USD"),
        ("€5", "USD"),
        ("5 руб", "USD"),  # noqa: RUF001 - the Russian word
        ("₽ 5", "USD"),
        ("US$5", "EUR"),
        ("$5", "XTR"),
        ("5 stars", "USD"),
    ],
)
@pytest.mark.parametrize("language", ["en", "ru"])
def test_an_amount_in_another_currency_is_refused(typed: str, currency: str, language: str) -> None:
    assert formatting.parse_money(typed, currency, language) is None
    assert formatting.names_currency(typed)


@pytest.mark.parametrize("typed", ["-5", "1 000", "0", "5;", "1e5", "", "$5$"])
def test_a_wrong_number_names_no_currency(typed: str) -> None:
    assert not formatting.names_currency(typed)


@given(st.text(max_size=40))
def test_the_parser_of_amounts_accepts_any_text(typed: str) -> None:
    minor = formatting.parse_money(typed, "USD", "en")
    assert minor is None or 0 < minor <= formatting.LARGEST


@given(
    st.integers(min_value=1, max_value=formatting.LARGEST),
    st.sampled_from(sorted(currencies.EXPONENTS)),
    st.sampled_from(["en", "ru"]),
)
def test_a_shown_amount_can_be_typed_back(minor: int, currency: str, language: str) -> None:
    shown = formatting.format_money(minor, currency, language)
    assert formatting.parse_money(shown, currency, language) == minor


def test_money_and_times_are_shown_in_the_persons_language_and_zone() -> None:
    at = datetime(2026, 7, 1, 10, 30, tzinfo=UTC)
    english, russian = Texts("en", "USD"), Texts("ru", "USD", "Europe/Moscow")
    assert english.money(123_450) == "$1,234.50"
    assert english.money(500_000, "RSD") == "RSD5,000.00"
    assert english.time(at) == "1 Jul 2026 10:30 UTC"
    assert russian.time(at).startswith("1 июл. 2026 13:30")


@pytest.mark.parametrize(
    ("typed", "zone", "moment"),
    [
        ("2026-07-01 18:00", "Europe/Berlin", datetime(2026, 7, 1, 16, tzinfo=UTC)),
        ("01.07.2026 18:00", None, datetime(2026, 7, 1, 18, tzinfo=UTC)),
        ("2026-10-25 02:30 +02:00", "Europe/Berlin", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        ("2026-10-25 02:30 +01:00", "Europe/Berlin", datetime(2026, 10, 25, 1, 30, tzinfo=UTC)),
    ],
)
def test_a_time_is_read_in_the_persons_zone(typed: str, zone: str | None, moment: datetime) -> None:
    assert formatting.parse_time(typed, zone) == moment


@pytest.mark.parametrize(
    "typed", ["", "tomorrow", "2026-02-30 10:00", "2026-07-01", "18:00", "2026-03-29 02:30"]
)
def test_a_time_that_does_not_exist_is_refused(typed: str) -> None:
    assert formatting.parse_time(typed, "Europe/Berlin") is None


@pytest.mark.parametrize(
    ("typed", "zone", "choice"),
    [
        (
            "25.10.2026 02:30",
            "Europe/Berlin",
            ["2026-10-25 02:30 +02:00", "2026-10-25 02:30 +01:00"],
        ),
        (
            "2026-04-05 01:45",
            "Australia/Lord_Howe",
            ["2026-04-05 01:45 +11:00", "2026-04-05 01:45 +10:30"],
        ),
        ("2026-10-25 03:00", "Europe/Berlin", []),
        ("2026-03-29 02:30", "Europe/Berlin", []),
        ("2026-10-25 02:30 +01:00", "Europe/Berlin", []),
        ("2026-10-25 02:30", None, []),
        ("tomorrow", "Europe/Berlin", []),
    ],
)
def test_a_time_that_comes_twice_is_asked_again(typed: str, zone: str, choice: list[str]) -> None:
    assert formatting.repeated_time(typed, zone) == choice
    if choice:
        assert formatting.parse_time(typed, zone) is None
        first, second = (formatting.parse_time(text, zone) for text in choice)
        assert first is not None
        assert second is not None
        assert first < second


@given(st.text(max_size=40), st.sampled_from([None, "Europe/Berlin", "Asia/Tokyo"]))
def test_the_parser_of_times_accepts_any_text(typed: str, zone: str | None) -> None:
    moment = formatting.parse_time(typed, zone)
    assert moment is None or moment.utcoffset() is not None


@pytest.mark.parametrize(
    ("typed", "zone"),
    [
        ("31.12.9999 23:59", "America/New_York"),
        ("01.01.0001 00:00", "Asia/Tokyo"),
        ("31.12.9999 23:59", "Etc/GMT+12"),
    ],
)
def test_a_time_outside_of_the_calendar_is_refused(typed: str, zone: str) -> None:
    assert formatting.parse_time(typed, zone) is None


@given(
    st.datetimes(timezones=st.just(UTC)),
    st.sampled_from(["Pacific/Kiritimati", "Etc/GMT+12", "America/New_York", "Asia/Kathmandu"]),
)
@example(datetime.max.replace(tzinfo=UTC), "Pacific/Kiritimati")
@example(datetime.min.replace(tzinfo=UTC), "America/New_York")
def test_every_time_is_shown_in_every_zone(at: datetime, zone: str) -> None:
    assert formatting.format_time(at, zone, "en")
    assert formatting.format_time_and_zone(at, zone, "en")
    typed = at.strftime("%d.%m.%Y %H:%M")
    moment = formatting.parse_time(typed, zone)
    assert moment is None or formatting.format_time(moment, zone, "en")


@pytest.mark.parametrize(
    ("moment", "zone", "shown"),
    [
        ("2035-07-02T16:00:00+00:00", "Europe/Berlin", "2 Jul 2035 18:00, Europe/Berlin"),
        ("2035-10-28T00:30:00+00:00", "Europe/Berlin", "28 Oct 2035 02:30 CEST, Europe/Berlin"),
        ("2035-10-28T01:30:00+00:00", "Europe/Berlin", "28 Oct 2035 02:30 CET, Europe/Berlin"),
        ("2035-07-02T15:00:00+00:00", "Etc/GMT-3", "2 Jul 2035 18:00, UTC+3"),
        ("2035-07-02T18:00:00+00:00", None, "2 Jul 2035 18:00, UTC"),
    ],
)
def test_a_time_is_read_back_with_its_zone(moment: str, zone: str | None, shown: str) -> None:
    at = datetime.fromisoformat(moment)
    assert formatting.format_time_and_zone(at, zone, "en") == shown


@pytest.mark.parametrize(
    ("typed", "day"),
    [
        ("2035-07-02", date(2035, 7, 2)),
        (" 02.07.2035 ", date(2035, 7, 2)),
        ("2035-02-30", None),
        ("18:00", None),
        ("", None),
    ],
)
def test_a_typed_day_is_read(typed: str, day: date | None) -> None:
    assert formatting.parse_day(typed) == day


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("18:30", "2035-07-02 18:30"),
        ("7.05", "2035-07-02 07:05"),
        (" 9 ", "2035-07-02 09:00"),
        ("02:30 +01:00", "2035-07-02 02:30 +01:00"),
        ("25:00", "25:00"),
        ("2035-07-03 18:00", "2035-07-03 18:00"),
    ],
)
def test_a_typed_hour_gets_the_chosen_day(typed: str, read: str) -> None:
    assert formatting.with_day(typed, date(2035, 7, 2)) == read
