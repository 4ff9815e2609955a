"""Build the card and the notice about releases that wait because a channel has another creator."""

from bot.operator_callbacks import OnPayoutWait, PayoutWaitAct
from bot.screens.outgoing import Outgoing, button, rows
from bot.texts import Texts
from services.money.payout_waits import WaitDetails


def card(t: Texts, row: WaitDetails) -> Outgoing:
    """Build the admins' card about a wait, with a button while the wait is open."""
    text = t(
        "payout-wait",
        title=row.channel_title,
        owner=str(row.owner_telegram_id),
        placements=row.placements,
        amount=t.money(row.amount),
        state="open" if row.ended_at is None else "paid" if row.is_ended_by_admin else "ended",
    )
    ask = OnPayoutWait(act=PayoutWaitAct.ASK, id=row.id)
    buttons = [] if row.ended_at else [button(t("payout-wait-pay"), ask)]
    return Outgoing(text, rows(buttons))


def question(t: Texts, row: WaitDetails) -> Outgoing:
    """Build the question whether the owner really is to be paid as agreed."""
    text = t(
        "payout-wait-question",
        title=row.channel_title,
        placements=row.placements,
        amount=t.money(row.amount),
    )
    return Outgoing(
        text,
        rows(
            [button(t("payout-wait-sure"), OnPayoutWait(act=PayoutWaitAct.END, id=row.id))],
            [button(t("no-go-back"), OnPayoutWait(act=PayoutWaitAct.SHOW, id=row.id))],
        ),
    )


def for_owner(t: Texts, row: WaitDetails) -> Outgoing:
    """Build the notice to an owner whose releases wait."""
    return Outgoing(
        t(
            "notice-payouts-wait",
            title=row.channel_title,
            placements=row.placements,
            amount=t.money(row.amount),
        )
    )
