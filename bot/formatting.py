"""Format and parse money (whole minor units) and times (aware datetimes) for people."""

import functools
import re
import unicodedata
from datetime import UTC, date, datetime
from decimal import Decimal

from babel.core import Locale
from babel.dates import format_date, format_datetime
from babel.numbers import (
    NumberFormatError,
    NumberPattern,
    format_compact_decimal,
    format_currency,
    format_decimal,
    get_currency_symbol,
    parse_decimal,
    parse_pattern,
)

from bot import time_zones
from db import currencies
from db.money import STARS

LARGEST = 10**12
"""The largest amount that the bot accepts, in minor units."""

EXAMPLE = 5_000
"""The amount that the bot shows as an example, in minor units."""

_AMOUNT = re.compile(r"([^0-9]*?)\s*([0-9](?:[0-9 .,\u00a0]*[0-9.,])?)\s*([^0-9]*)")
_HOURS = re.compile(r"(?:([0-9]{1,4}) ?/ ?)?([0-9]{1,4})")
_CLOCK = re.compile(r"([01]?[0-9]|2[0-3])(?:[:.]([0-5][0-9]))?( ?[+-][0-9]{2}:?[0-9]{2})?")
_DAY_FORMATS = ("%Y-%m-%d", "%d.%m.%Y")
_TIME_FORMATS = ("%Y-%m-%d %H:%M", "%d.%m.%Y %H:%M", "%Y-%m-%dT%H:%M")
_STAR = "⭐"


@functools.lru_cache(maxsize=5_000)
def format_money(amount: int, currency: str, language: str) -> str:
    """Format whole minor units, for example 123450 in USD as $1,234.50 in English."""
    if currency == STARS:
        return f"{format_decimal(amount, locale=language)} {_STAR}"
    # For some currencies, babel's data has another number of decimals than Telegram.
    decimals = currencies.exponent(currency)
    pattern = _pattern(language, decimals)
    return format_currency(
        Decimal(amount).scaleb(-decimals),
        currency,
        format=pattern,
        locale=language,
        currency_digits=False,
    )


def format_number(value: float, language: str) -> str:
    """Format a number with at most one decimal, for example 1234.56 as 1,234.6 in English."""
    return format_decimal(round(value, 1), format="#,##0.#", locale=language)


def format_compact(number: int, language: str) -> str:
    """Format a large number in few characters, for example 12,345 as 12.3K in English."""
    return format_compact_decimal(number, locale=language, fraction_digits=1)


@functools.cache
def _pattern(language: str, decimals: int) -> NumberPattern:
    """Return babel's pattern for money, with exactly `decimals` decimals."""
    standard = Locale.parse(language).currency_formats["standard"]
    pattern = parse_pattern(standard.pattern)
    pattern.frac_prec = (decimals, decimals)
    return pattern


def parse_money(text: str, currency: str, language: str) -> int | None:
    """Parse a typed amount into whole minor units.

    Returns None if the text is not an amount from 1 to LARGEST, or has too many decimals for the
    currency.
    """
    number, beside = _number_and_currency(text)
    if beside and beside not in _signs(currency, language):
        return None
    try:
        value = parse_decimal(_with_no_break_spaces(number), locale=language, strict=True)
    except NumberFormatError:
        return None
    decimals = -int(value.as_tuple().exponent)
    minor = value.scaleb(currencies.exponent(currency))
    if decimals > currencies.exponent(currency) or not 0 < minor <= LARGEST:
        return None
    return int(minor)


def names_currency(text: str) -> bool:
    """Return whether a typed text is a number with a word or a currency's sign beside it."""
    _number, beside = _number_and_currency(text)
    return any(unicodedata.category(character)[0] in "LS" for character in beside)


def _number_and_currency(text: str) -> tuple[str, str]:
    """Return the number in a typed amount, and the text before or behind the number.

    The text is "" if there is none. Both are "" if the input has no number, or a text on both sides
    of the number.
    """
    parts = _AMOUNT.fullmatch(text.strip().replace("\ufe0f", ""))  # phones add it to a star
    if parts is None:
        return "", ""
    before, number, behind = parts.groups()
    return (
        ("", "") if before and behind else (number.strip(" \u00a0"), (before + behind).casefold())
    )


def _signs(currency: str, language: str) -> set[str]:
    signs = {currency, get_currency_symbol(currency, locale=language)}
    return {sign.casefold() for sign in signs | ({_STAR} if currency == STARS else set())}


def _with_no_break_spaces(number: str) -> str:
    return number.replace(" ", "\u00a0")


def parse_hours(text: str, *, most: int) -> tuple[int, int] | None:
    """Parse typed hours of a post: `48`, or with the hours on top before them, `2/48`.

    Returns the hours on top and all hours, which are whole numbers. Returns None if the text is
    anything else, if all hours are not from 1 to `most`, or if more than these are on top.
    """
    parts = _HOURS.fullmatch(text.strip())
    if parts is None:
        return None
    on_top, hours = int(parts[1] or 0), int(parts[2])
    return (on_top, hours) if 1 <= hours <= most and on_top <= hours else None


def format_day(day: date, language: str) -> str:
    """Format a day of the calendar, for example 2 Mar 2026 in English."""
    return format_date(day, "d MMM y", locale=language)


def format_weekday(day: date, language: str) -> str:
    """Format a day of the calendar with its day of the week, for example Mon 2 Mar in English."""
    return format_date(day, "EEE d MMM", locale=language)


def format_weekday_name(number: int, language: str) -> str:
    """Return the short name of a day of the week by its ISO number: 1 is Mon in English."""
    return format_date(date(2024, 1, number), "EEE", locale=language)  # 1 January 2024 is a Monday


def format_month(day: date, language: str) -> str:
    """Format the month of a day, for example March 2026 in English."""
    return format_date(day, "LLLL y", locale=language)


def clock_of_minutes(minutes: int) -> str:
    """Return the time of day for minutes from midnight: 1440 minutes are 24:00."""
    return f"{minutes // 60:02}:{minutes % 60:02}"


def format_clock(at: datetime, time_zone: str | None) -> str:
    """Format the time of day of an aware datetime in the person's time zone."""
    return f"{at.astimezone(time_zones.zone(time_zone)):%H:%M}"


def format_time(at: datetime, time_zone: str | None, language: str) -> str:
    """Format an aware datetime in the person's time zone, with the zone's short name.

    If the year is above 9999 in this zone, the time is shown in UTC.
    """
    try:
        local = at.astimezone(time_zones.zone(time_zone))
    except OverflowError:
        local = at.astimezone(UTC)
    return f"{format_datetime(local, 'd MMM y HH:mm', locale=language)} {local.tzname()}"


def format_time_and_zone(at: datetime, time_zone: str | None, language: str) -> str:
    """Format an aware datetime in the person's time zone, with the zone's full name.

    A time that the zone's clocks show two times also gets the short name, for example CEST. If the
    year is above 9999 in this zone, the time is shown in UTC.
    """
    name = time_zones.label(time_zone) if time_zone else "UTC"
    try:
        local = at.astimezone(time_zones.zone(time_zone))
    except OverflowError:
        local, name = at.astimezone(UTC), "UTC"
    shown = format_datetime(local, "d MMM y HH:mm", locale=language)
    if local.replace(fold=1 - local.fold).utcoffset() != local.utcoffset():  # comes twice
        shown = f"{shown} {local.tzname()}"
    return f"{shown}, {name}"


def parse_day(text: str) -> date | None:
    """Parse a typed day of the calendar. Returns None for any other text."""
    for day_format in _DAY_FORMATS:
        try:
            return datetime.strptime(text.strip(), day_format).date()  # noqa: DTZ007 - a day
        except ValueError:
            continue
    return None


def with_day(text: str, day: date) -> str:
    """Put a day before a typed time of day, such as 18:30 or 18. Any other text stays as it is."""
    parts = _CLOCK.fullmatch(text.strip())
    if parts is None:
        return text
    difference = f" {parts[3].strip()}" if parts[3] else ""
    return f"{day:%Y-%m-%d} {int(parts[1]):02}:{parts[2] or '00'}{difference}"


def parse_time(text: str, time_zone: str | None) -> datetime | None:
    """Parse a typed date and time in the person's zone into an aware datetime in UTC.

    The text may end with a difference from UTC, for example +02:00, which then counts instead of
    the zone. Returns None for an unknown format, a time that the zone's clocks skip or show two
    times, or a year above 9999 in UTC.
    """
    typed = _typed_time(text)
    if typed is None:
        return None
    try:
        moments = [typed] if typed.tzinfo else _moments(typed, time_zone)
        return moments[0].astimezone(UTC) if len(moments) == 1 else None
    except OverflowError:
        return None


def repeated_time(text: str, time_zone: str | None) -> list[str]:
    """Return the two texts to choose from if the zone's clocks show a typed time two times.

    They are the typed time with its two differences from UTC, the earlier moment first. For every
    other text, the result is empty.
    """
    typed = _typed_time(text)
    try:
        moments = _moments(typed, time_zone) if typed and not typed.tzinfo else []
    except OverflowError:
        return []
    shown = [f"{at:%Y-%m-%d %H:%M %z}" for at in moments]
    return [f"{text[:-2]}:{text[-2:]}" for text in shown] if len(shown) > 1 else []


def _typed_time(text: str) -> datetime | None:
    for time_format in _TIME_FORMATS:
        for ending in ("", " %z"):
            try:
                return datetime.strptime(text.strip(), time_format + ending)  # noqa: DTZ007 - None is checked
            except ValueError:
                continue
    return None


def _moments(typed: datetime, time_zone: str | None) -> list[datetime]:
    """Return each moment at which the zone's clocks show a time: none, one or two."""
    zone = time_zones.zone(time_zone)
    found = {}
    for fold in (0, 1):
        local = typed.replace(tzinfo=zone, fold=fold)
        utc = local.astimezone(UTC)
        if utc.astimezone(zone).replace(tzinfo=None) == typed:
            found[utc] = local
    return list(found.values())
