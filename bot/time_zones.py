"""Find the time zones that people type, and show the names of zones.

In the IANA names `Etc/GMT...`, plus and minus are reversed: `Etc/GMT-3` is three hours ahead of
UTC.
"""

import re
import unicodedata
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

_NO_PLACES = frozenset({"localtime", "posixrules", "Factory"})
"""Names in the machine's time zone data that are not names of places."""
_OFFSET = re.compile(r"(utc|gmt|msk|мск)? ?([+-]) ?([0-9]{1,2})(?::?([0-5][0-9]))?")
_MOSCOW = {"msk", "мск"}
_MOSCOW_MINUTES = 3 * 60
_PARTS_OF_HOURS = {
    -570: "Pacific/Marquesas",
    210: "Asia/Tehran",
    270: "Asia/Kabul",
    330: "Asia/Kolkata",
    345: "Asia/Kathmandu",
    390: "Asia/Yangon",
    525: "Australia/Eucla",
    570: "Australia/Darwin",
}
"""Zones without summer time, by their difference from UTC in minutes."""
_FIRST_MINUTES, _LAST_MINUTES = -12 * 60, 14 * 60
_FIXED = re.compile(r"Etc/GMT([+-])([0-9]{1,2})")
_DASHES = dict.fromkeys((0x2212, 0x2013, 0x2014), "-")
"""The minus sign and the dashes that people may type instead of a hyphen."""
_COMPARED_DAYS = range(0, 366, 14)


def zone(name: str | None) -> tzinfo:
    """Return the zone with an IANA name, or UTC if the name is None or unknown."""
    try:
        return ZoneInfo(name) if name else UTC
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def label(name: str) -> str:
    """Return the name of a zone for people, for example `UTC+3` for `Etc/GMT-3`."""
    if fixed := _FIXED.fullmatch(name):
        sign = "-" if fixed[1] == "+" else "+"
        return f"UTC{sign}{fixed[2]}" if fixed[2] != "0" else "UTC"
    return name


def find(text: str) -> str | None:
    """Return the IANA name of the zone that a person typed, or None if there is no such zone.

    The text is a full name, a city or a difference from UTC: `Europe/Berlin`, `berlin`, `GMT+3`.
    Returns None if a city has zones with different times.
    """
    typed = unicodedata.normalize("NFKC", text).translate(_DASHES).strip().casefold()
    if typed in _MOSCOW:
        return "Europe/Moscow"
    if offset := _OFFSET.fullmatch(typed):
        return _of_offset(*offset.groups())
    return _of_name(typed.replace(" ", "_"))


def _of_offset(base: str | None, sign: str, hours: str, minutes: str | None) -> str | None:
    """Return the zone with a fixed difference from UTC, or None if no place has this difference.

    If `base` names Moscow, the difference is from Moscow's time.
    """
    difference = int(hours) * 60 + int(minutes or 0)
    total = (difference if sign == "+" else -difference) + (
        _MOSCOW_MINUTES if base in _MOSCOW else 0
    )
    if not _FIRST_MINUTES <= total <= _LAST_MINUTES:
        return None
    if total % 60:
        return _PARTS_OF_HOURS.get(total)
    return f"Etc/GMT{-total // 60:+d}" if total else "UTC"


def _of_name(typed: str) -> str | None:
    if not typed:
        return None
    names = sorted(available_timezones() - _NO_PLACES) or ["UTC"]
    for name in names:
        if name.casefold() == typed:
            return name
    found = [name for name in names if name.casefold().rpartition("/")[2] == typed]
    return found[0] if found and all(_same_times(found[0], other) for other in found) else None


def _same_times(one: str, other: str) -> bool:
    """Return whether two zones show the same time during a whole year."""
    first, second = ZoneInfo(one), ZoneInfo(other)
    start = datetime.now(UTC)
    return all(
        at.astimezone(first).utcoffset() == at.astimezone(second).utcoffset()
        for at in (start + timedelta(days=days) for days in _COMPARED_DAYS)
    )
