"""Read the formats of date entities, for example "wDT" (`FormattedDate.cpp` of TDLib)."""

from sandbox.telegram.persistence import Json

LAST_DATE = 2**31 - 1
_RELATIVE = ("r", "R")
_PARTS = frozenset("tTdDwW")


def date_details(unix_time: int, date_format: str, *, last_wins: bool = False) -> Json | None:
    """Return the fields of a date's entity, or None if the format is wrong.

    The format names the day of the week, and the date and the time in the short or the long form.
    Telegram writes them in this order. If both forms are named, the short one wins, or the last one
    with `last_wins`.
    """
    if date_format in _RELATIVE:
        return {"unix_time": unix_time, "date_time_format": "r"}
    if not _PARTS.issuperset(date_format):
        return None
    week = "w" if {"w", "W"} & set(date_format) else ""
    date, time = (_form(letters, date_format, last_wins=last_wins) for letters in ("dD", "tT"))
    return {"unix_time": unix_time, "date_time_format": week + date + time}


def _form(letters: str, date_format: str, *, last_wins: bool) -> str:
    named = [letter for letter in date_format if letter in letters]
    if last_wins:
        return named[-1] if named else ""
    return min(named, key=letters.index, default="")
