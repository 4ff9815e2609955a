"""Money and times between people's words and whole minor units and aware datetimes."""

import re
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo, available_timezones

from babel.dates import format_datetime
from babel.numbers import (
    NumberFormatError,
    format_currency,
    format_decimal,
    get_currency_precision,
    get_currency_symbol,
    parse_decimal,
)

from db.money import STARS

LARGEST = 10**12
"""Minor units; more than anybody pays, and far from the limits of the database's integers."""

EXAMPLE = 5_000
"""Minor units, shown where an amount is asked for."""

_NUMBER = re.compile(r"[0-9][0-9 .,\u00a0]*")
_TIME_FORMATS = ("%Y-%m-%d %H:%M", "%d.%m.%Y %H:%M", "%Y-%m-%dT%H:%M")


def exponent(currency: str) -> int:
    """Tell how many decimals an amount of this currency has; Stars have none."""
    return 0 if currency == STARS else get_currency_precision(currency)


def format_money(amount: int, currency: str, language: str) -> str:
    """Write whole minor units as the language does: 123450 USD is $1,234.50 in English."""
    if currency == STARS:
        return f"{format_decimal(amount, locale=language)} ⭐"
    return format_currency(Decimal(amount).scaleb(-exponent(currency)), currency, locale=language)


def parse_money(text: str, currency: str, language: str) -> int | None:
    """Read an amount typed by a person into whole minor units; None if it is not a positive one."""
    bare = text.strip().removesuffix("⭐")
    for sign in (get_currency_symbol(currency, locale=language), currency):
        bare = bare.removeprefix(sign).removesuffix(sign).strip()
    if not _NUMBER.fullmatch(bare):
        return None
    try:
        value = parse_decimal(_spaced(bare), locale=language, strict=True)
    except NumberFormatError:
        return None
    minor = value.scaleb(exponent(currency))
    if minor != minor.to_integral_value() or not 0 < minor <= LARGEST:
        return None
    return int(minor)


def _spaced(number: str) -> str:
    """Give a number the no-break spaces that babel wants where a keyboard types plain ones."""
    return number.replace(" ", "\u00a0")


def zone(name: str | None) -> ZoneInfo:
    """Give the person's time zone; UTC until they have chosen one."""
    return ZoneInfo(name or "UTC")


def known_zone(text: str) -> str | None:
    """Find the IANA zone that a person meant: `Europe/Berlin`, `berlin` or `UTC`; else None."""
    wanted = text.strip().casefold().replace(" ", "_")
    if not wanted:
        return None
    zones = available_timezones()
    for name in sorted(zones):
        if name.casefold() == wanted:
            return name
    cities = [name for name in sorted(zones) if name.casefold().rpartition("/")[2] == wanted]
    return cities[0] if cities else None


def format_time(at: datetime, time_zone: str | None, language: str) -> str:
    """Write an aware datetime in the person's zone, with the zone's short name."""
    local = at.astimezone(zone(time_zone))
    return f"{format_datetime(local, 'd MMM y HH:mm', locale=language)} {local.tzname()}"


def parse_time(text: str, time_zone: str | None) -> datetime | None:
    """Read a date with a time in the person's zone; None if it is not one or does not exist there.

    An hour that a change of clocks skips is refused; of one that it repeats the first is meant.
    """
    for shape in _TIME_FORMATS:
        try:
            naive = datetime.strptime(text.strip(), shape)  # noqa: DTZ007 - its zone follows
        except ValueError:
            continue
        local = naive.replace(tzinfo=zone(time_zone))
        utc = (naive - (local.utcoffset() or timedelta())).replace(tzinfo=ZoneInfo("UTC"))
        return utc if utc.astimezone(local.tzinfo).replace(tzinfo=None) == naive else None
    return None
