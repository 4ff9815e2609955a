"""Build the screen with the status of the product."""

from collections.abc import Sequence

from bot.screens.outgoing import Outgoing
from bot.texts import Texts
from db.models.operations import Switch
from services.platform.system_status import Line, State, Unit

_MINUTE = 60
_HOUR = 3_600
_SHOWN_UNITS = 2
"""An age is shown in the next larger unit from this many of them on."""
_SWITCHES = frozenset(switch.value for switch in Switch)


def status(t: Texts, lines: Sequence[Line]) -> Outgoing:
    """Build the screen of `/health`: first what needs a human, then the rest."""
    urgent = [line for line in lines if line.state is not State.OK]
    rest = [line for line in lines if line.state is State.OK]
    summary = t("health-look", count=len(urgent)) if urgent else t("health-well")
    shown = [t("health"), summary, *(show_line(t, line) for line in urgent)]
    if urgent:
        shown += ["", t("health-rest")]
    return Outgoing("\n".join([*shown, *(show_line(t, line) for line in rest)]))


def show_line(t: Texts, line: Line) -> str:
    """Return a line of the status with a sign for its state."""
    if line.name in _SWITCHES:
        reason = t("switch-reason", reason=line.detail or "")
        return t("health-switch", key=line.name, state=str(line.value), reason=reason)
    text = t("health-line", name=line.name, state=line.state.value, value=_value(t, line))
    if line.detail is None:
        return text
    return t("health-detail", line=text, detail=line.detail)


def _value(t: Texts, line: Line) -> str:
    if line.state is State.UNKNOWN:
        return t("health-word", word="unknown")
    if line.value is None:
        return t("health-word", word="none")
    if line.unit is Unit.SECONDS:
        return _age(t, line.value)
    if line.unit is Unit.MONEY:
        return t.money(line.value)
    if line.unit is Unit.TIME:
        return t.time(line.value)
    return t("health-word", word=str(line.value))


def _age(t: Texts, seconds: int) -> str:
    if seconds < _SHOWN_UNITS * _MINUTE:
        return t("health-seconds", count=seconds)
    if seconds < _SHOWN_UNITS * _HOUR:
        return t("health-minutes", count=seconds // _MINUTE)
    return t("health-hours", count=seconds // _HOUR)
