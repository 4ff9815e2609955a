"""Build the messages about alerts: the first line says what is wrong, the second what to type."""

from bot.alarm_routes import Alarm
from bot.screens.outgoing import Outgoing
from bot.texts import Texts
from services.platform.alert_conditions import BY_NAME

DATABASE_AWAY = "database_away"
"""The name of the alert that a bot tells by itself, because it cannot be stored."""


def firing(t: Texts, name: str) -> Outgoing:
    """Build the message that an alert has begun."""
    return Outgoing(f"{t('alert-firing', what=_what(t, name))}\n{BY_NAME[name].command}")


def resolved(t: Texts, name: str, minutes: int) -> Outgoing:
    """Build the message that an alert is over after some minutes."""
    return Outgoing(t("alert-resolved", what=_what(t, name), minutes=minutes))


def over(t: Texts, name: str) -> Outgoing:
    """Build the message that an alert is over, without the time for which it lasted."""
    return Outgoing(t("alert-over", what=_what(t, name)))


def alarm(t: Texts, name: str, *, is_firing: bool) -> Alarm:
    """Build the text of an alert for the ways without Telegram."""
    what = _what(t, name)
    text = t("alert-firing", what=what) if is_firing else t("alert-over", what=what)
    return Alarm(name, is_firing, text, BY_NAME[name].command)


def _what(t: Texts, name: str) -> str:
    return t("alert-what", name=name)
