"""Build the buttons below a message that open the screens of the commands to type next."""

from collections.abc import Iterable, Mapping

from aiogram.filters.callback_data import CallbackData
from aiogram.types import InlineKeyboardButton

from bot.callbacks import ShowDeadLetters, ShowQueue, ShowWithdrawals
from bot.operator_callbacks import (
    IncidentAct,
    Look,
    OnIncident,
    OnSwitch,
    ShowReport,
    Sight,
    SwitchAct,
)
from bot.screens.outgoing import button, receipt_button
from bot.texts import Texts

HEALTH = "/health"
LEDGER = "/ledger"
INCIDENTS = "/incidents"
KILLSWITCH = "/killswitch"
_REPORT = "/report "
_OPENED: Mapping[str, tuple[str, CallbackData]] = {
    HEALTH: ("health", Look(what=Sight.HEALTH)),
    LEDGER: ("ledger", Look(what=Sight.LEDGER)),
    INCIDENTS: ("incidents", OnIncident(act=IncidentAct.LIST)),
    KILLSWITCH: ("switches", OnSwitch(act=SwitchAct.PANEL)),
    "/queue": ("queue", ShowQueue()),
    "/dlq": ("dlq", ShowDeadLetters()),
    "/withdrawals": ("withdrawals", ShowWithdrawals()),
}
"""The name and the screen of each command. A command that only a shell can run has none."""


def beside(t: Texts, *commands: str) -> list[list[InlineKeyboardButton]]:
    """Build a button for each command that has a screen. The screen opens in a new message.

    The message with the buttons stays as it is. Use this for alarms and notices.
    """
    return [[receipt_button(label, screen)] for label, screen in _find(t, commands)]


def instead(t: Texts, *commands: str) -> list[list[InlineKeyboardButton]]:
    """Build a button for each command that has a screen. The screen replaces the message."""
    return [[button(label, screen)] for label, screen in _find(t, commands)]


def _find(t: Texts, commands: Iterable[str]) -> list[tuple[str, CallbackData]]:
    """Return the label and the screen of each command that has a screen, each screen once."""
    found: dict[str, tuple[str, CallbackData]] = {}
    for command in commands:
        if command.startswith(_REPORT):
            name = command.removeprefix(_REPORT)
            label = t("report-button", title=t("report-name", name=name))
            found.setdefault(command, (label, ShowReport(name=name)))
        elif command in _OPENED:
            name, screen = _OPENED[command]
            found.setdefault(name, (t("next-step", name=name), screen))
    return list(found.values())
