"""Format and parse money (whole minor units) and times (aware datetimes) for people."""

import functools
import re
from datetime import UTC, datetime
from decimal import Decimal

from babel.core import Locale
from babel.dates import format_datetime
from babel.numbers import (
    NumberFormatError,
    NumberPattern,
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

_NUMBER = re.compile(r"[0-9][0-9 .,\u00a0]*")
_TIME_FORMATS = ("%Y-%m-%d %H:%M", "%d.%m.%Y %H:%M", "%Y-%m-%dT%H:%M")


def format_money(amount: int, currency: str, language: str) -> str:
    """Format whole minor units, for example 123450 in USD as $1,234.50 in English."""
    if currency == STARS:
        return f"{format_decimal(amount, locale=language)} ⭐"
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
    number = text.strip().removesuffix("⭐")
    for sign in (get_currency_symbol(currency, locale=language), currency):
        number = number.removeprefix(sign).removesuffix(sign).strip()
    if not _NUMBER.fullmatch(number):
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


def _with_no_break_spaces(number: str) -> str:
    return number.replace(" ", "\u00a0")


def format_time(at: datetime, time_zone: str | None, language: str) -> str:
    """Format an aware datetime in the person's time zone, with the zone's short name.

    If the year is above 9999 in this zone, the time is shown in UTC.
    """
    try:
        local = at.astimezone(time_zones.zone(time_zone))
    except OverflowError:
        local = at.astimezone(UTC)
    return f"{format_datetime(local, 'd MMM y HH:mm', locale=language)} {local.tzname()}"


def parse_time(text: str, time_zone: str | None) -> datetime | None:
    """Parse a typed date and time in the person's zone into an aware datetime in UTC.

    Returns None for an unknown format, a time that the zone's clocks skip, or a year above 9999 in
    UTC. If the time occurs two times, the result is the first one.
    """
    for time_format in _TIME_FORMATS:
        try:
            naive = datetime.strptime(text.strip(), time_format)  # noqa: DTZ007 - its zone follows
        except ValueError:
            continue
        try:
            utc = naive.replace(tzinfo=time_zones.zone(time_zone)).astimezone(UTC)
            shown = utc.astimezone(time_zones.zone(time_zone)).replace(tzinfo=None)
        except OverflowError:
            return None
        return utc if shown == naive else None
    return None
