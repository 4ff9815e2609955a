"""Format how long something has waited."""

from datetime import timedelta

from bot.texts import Texts

_HOUR = timedelta(hours=1)
_DAYS_FROM = timedelta(days=2)
"""The smallest age that is shown in days."""


def age(t: Texts, waited: timedelta) -> str:
    """Return a duration in whole minutes, hours or days."""
    if waited < _HOUR:
        return t("age", unit="minutes", count=max(waited // timedelta(minutes=1), 0))
    if waited < _DAYS_FROM:
        return t("age", unit="hours", count=waited // _HOUR)
    return t("age", unit="days", count=waited.days)
