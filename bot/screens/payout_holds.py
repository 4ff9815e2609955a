"""Build the lines about money that can only be withdrawn later."""

from collections.abc import Sequence

from bot import time_zones
from bot.texts import Texts
from services.money.payout_holds import Step, Withdrawable

_DAYS_SHOWN = 3
"""How many days are shown before the last one, on which all can be withdrawn."""


def lines(t: Texts, withdrawable: Withdrawable) -> str:
    """Build the lines: how much can be withdrawn now, and how much from which time on.

    There is at most one line for each day in the person's time zone.
    """
    zone = time_zones.zone(t.time_zone)
    by_day = list({step.at.astimezone(zone).date(): step for step in withdrawable.later}.values())
    shown = [*by_day[:_DAYS_SHOWN], *by_day[_DAYS_SHOWN:][-1:]]
    return "\n".join([t("wallet-hold", now=t.money(withdrawable.now)), *_steps(t, shown)])


def _steps(t: Texts, steps: Sequence[Step]) -> list[str]:
    return [
        t("wallet-hold-from", amount=t.money(step.amount), at=t.time(step.at)) for step in steps
    ]
