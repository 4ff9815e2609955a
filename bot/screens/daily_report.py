"""Build the daily report for the admin chat."""

from collections.abc import Mapping, Sequence

from bot.operator_callbacks import ShowReport
from bot.screens import next_steps
from bot.screens.outgoing import Outgoing, button, rows
from bot.screens.system_status import show_line
from bot.texts import Texts
from services.platform.system_status import Line

_MONEY = ("revenue", "held", "newly_held", "released_or_refunded")


def daily_report(
    t: Texts, day: str, numbers: Mapping[str, int], wrong: Sequence[Line], stopped: Sequence[str]
) -> Outgoing:
    """Build the report of a day.

    `wrong` are the lines of the status that need a human, and `stopped` the switches that are
    stopped now.
    """
    lines = [t("daily-report", day=day), ""]
    lines += [t("daily-money", name=name, amount=t.money(numbers.get(name, 0))) for name in _MONEY]
    lines += [
        t("daily-act", name=name, count=count)
        for name, count in numbers.items()
        if count and name not in _MONEY
    ]
    lines.append("")
    if stopped:
        lines.append(t("health-stopped", keys=", ".join(stopped)))
    if wrong:
        lines.append(t("health-look", count=len(wrong)))
        lines += [show_line(t, line) for line in wrong]
    else:
        lines.append(t("health-well", stopped=len(stopped)))
    buttons = [button(t("reports-button"), ShowReport())]
    return Outgoing(
        "\n".join(lines),
        rows(buttons, *next_steps.beside(t, next_steps.HEALTH, next_steps.KILLSWITCH)),
    )
