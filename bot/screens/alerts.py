"""Build the messages about alerts: the first line says what is wrong, the second what to type."""

from bot.alert_routes import UrgentAlert
from bot.screens import next_steps
from bot.screens.outgoing import Outgoing, rows
from bot.texts import Texts
from services.platform.alert_conditions import BY_NAME, DATABASE_AWAY

_WITHOUT_BUTTONS = frozenset({DATABASE_AWAY, "bot_missing", "inbox_late"})
"""The alerts during which nobody answers a press in time, so that only a shell helps."""


def firing(t: Texts, name: str) -> Outgoing:
    """Build the message that an alert has begun."""
    command = BY_NAME[name].command
    text = f"{t('alert-firing', what=_what(t, name))}\n{command}"
    if name in _WITHOUT_BUTTONS:
        return Outgoing(text)
    return Outgoing(text, rows(*next_steps.beside(t, command, next_steps.HEALTH)))


def resolved(t: Texts, name: str, minutes: int) -> Outgoing:
    """Build the message that an alert is over after some minutes."""
    return Outgoing(t("alert-resolved", what=_what(t, name), minutes=minutes))


def over(t: Texts, name: str) -> Outgoing:
    """Build the message that an alert is over, without the time for which it lasted."""
    return Outgoing(t("alert-over", what=_what(t, name)))


def outage(t: Texts, kind: str, *, is_over: bool) -> Outgoing:
    """Build the message that the database fails, or that it works again.

    `kind` is why it fails, a result of `db.session.failure_kind`.
    """
    what = t("alert-outage", kind=kind)
    if is_over:
        return Outgoing(t("alert-over", what=what))
    firing_text = t("alert-firing", what=what)
    advice = t("alert-outage-advice", kind=kind)
    return Outgoing(f"{firing_text}\n{BY_NAME[DATABASE_AWAY].command}\n\n{advice}")


def urgent_outage(t: Texts, kind: str, *, is_over: bool) -> UrgentAlert:
    """Build the text for the alert routes that the database fails, or that it works again."""
    what = t("alert-outage", kind=kind)
    text = t("alert-over", what=what) if is_over else t("alert-firing", what=what)
    return UrgentAlert(DATABASE_AWAY, not is_over, text, BY_NAME[DATABASE_AWAY].command)


def urgent(t: Texts, name: str, *, is_firing: bool) -> UrgentAlert:
    """Build the text of an alert for the alert routes (a web address and an e-mail)."""
    what = _what(t, name)
    text = t("alert-firing", what=what) if is_firing else t("alert-over", what=what)
    return UrgentAlert(name, is_firing, text, BY_NAME[name].shell_command)


def _what(t: Texts, name: str) -> str:
    return t("alert-what", name=name)
