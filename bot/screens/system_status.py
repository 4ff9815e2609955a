"""Build the screen with the status of the product."""

from collections.abc import Sequence
from datetime import datetime

from bot import names
from bot.operator_callbacks import Look, Sight
from bot.screens import next_steps
from bot.screens.outgoing import Outgoing, button, rows
from bot.texts import Texts
from db.models.operations import Switch
from services.platform.system_status import Line, State, Unit

_MINUTE = 60
_HOUR = 3_600
_REASON_LENGTH = 60
_DETAIL_LENGTH = 160
_SHOWN_UNITS = 2
"""An age is shown in the next larger unit from this many of them on."""
_COMMANDS = {
    "open_incidents": next_steps.INCIDENTS,
    "telegram_down_since": next_steps.INCIDENTS,
    "last_ledger_check_age": next_steps.LEDGER,
    "ledger_violations": next_steps.LEDGER,
    "posts_oldest_uncertain_age": "/report uncertain",
    "escrows_stuck": "/report held",
    "oldest_refund_due_age": "/dlq",
}
"""The command that shows more about a line of the status."""
_STOPPED = "STOPPED"
_SWITCHES = frozenset(switch.value for switch in Switch)


def status(t: Texts, lines: Sequence[Line], at: datetime) -> Outgoing:
    """Build the screen of `/health`: first what needs a human, then the rest.

    `at` is when the lines were read.
    """
    urgent = [line for line in lines if line.state is not State.OK]
    rest = [line for line in lines if line.state is State.OK]
    stopped = [line.name for line in lines if line.name in _SWITCHES and line.value == _STOPPED]
    shown = [t("health", at=t.time(at))]
    if stopped:
        shown.append(t("health-stopped", keys=", ".join(stopped)))
    well = t("health-well", stopped=len(stopped))
    summary = t("health-look", count=len(urgent)) if urgent else well
    shown += [summary, *(show_line(t, line) for line in urgent)]
    if urgent:
        shown += ["", t("health-rest")]
    return Outgoing(
        "\n".join([*shown, *(show_line(t, line) for line in rest)]),
        rows(
            [button(t("refresh"), Look(what=Sight.HEALTH))],
            *next_steps.beside(t, *_find_commands(urgent), next_steps.KILLSWITCH),
        ),
    )


def _find_commands(urgent: Sequence[Line]) -> list[str]:
    """Return the commands with which a person goes on, for the lines that need a human."""
    return [_COMMANDS[line.name] for line in urgent if line.name in _COMMANDS]


def show_line(t: Texts, line: Line) -> str:
    """Return a line of the status with a sign for its state."""
    if line.name in _SWITCHES:
        reason = t("switch-reason", reason=names.shorten(line.detail or "", _REASON_LENGTH))
        return t("health-switch", key=line.name, state=str(line.value), reason=reason)
    text = t("health-line", name=line.name, state=line.state.value, value=_value(t, line))
    if line.detail is None:
        return text
    return t("health-detail", line=text, detail=names.shorten(line.detail, _DETAIL_LENGTH))


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
