"""Build the screens of an owner's earnings by week."""

from collections.abc import Sequence
from datetime import date

from bot.callbacks import DrawEarnings, Go, Screen
from bot.screens.outgoing import Outgoing, button, rows
from bot.texts import Texts
from services.money.earnings import Earned


def earnings(t: Texts, weeks: Sequence[tuple[date, Earned]]) -> Outgoing:
    """Build the list of an owner's weeks, the newest first. Each week has its Monday.

    Weeks without a payout before the first week with one are left out.
    """
    begun = [number for number, (_, earned) in enumerate(weeks) if earned.placements]
    shown = weeks[begun[0] :] if begun else []
    lines = [
        t(
            "earnings-week",
            monday=t.day(monday),
            amount=t.money(earned.amount),
            placements=earned.placements,
        )
        for monday, earned in reversed(shown)
    ]
    total = t.money(sum(earned.amount for _, earned in weeks))
    text = t("earnings", weeks=len(weeks), total=total) if lines else t("earnings-none")
    return Outgoing(
        "\n".join([text, *lines]),
        rows(
            [button(t("earnings-draw"), DrawEarnings())] if lines else [],
            [
                button(t("wallet-statement"), Go(screen=Screen.STATEMENT)),
                button(t("wallet-withdrawals"), Go(screen=Screen.WITHDRAWALS)),
            ],
            [button(t("back"), Go(screen=Screen.CHANNELS))],
        ),
    )


def caption(t: Texts, weeks: Sequence[tuple[date, Earned]]) -> str:
    """Build the words below the picture of an owner's earnings."""
    highest = t.money(max(earned.amount for _, earned in weeks))
    return t("earnings-caption", weeks=len(weeks), highest=highest)
