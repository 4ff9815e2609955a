"""Build the screens about channels whose owners removed posts early."""

from bot.callbacks import Go, Screen
from bot.removal_callbacks import OnRemovals, RemovalAct
from bot.screens.outgoing import Outgoing, button, column, receipt_button, rows
from bot.texts import Texts
from db.models.campaigns import Channel
from services.market.early_removals import ChannelRemovals

REASONS = ("explained", "mistake", "warned")
"""The preset reasons to let a channel be offered again."""


def card(t: Texts, row: ChannelRemovals) -> Outgoing:
    """Build the staff's message about a channel with its early removals."""
    waits = row.channel.removed_early_at is not None
    return Outgoing(
        _facts(t, row),
        rows([button(t("removals-offer"), _act(row, RemovalAct.ASK_REASON))] if waits else []),
    )


def reasons(t: Texts, row: ChannelRemovals) -> Outgoing:
    """Build the question to staff why the channel may be offered again."""
    return Outgoing(
        f"{_facts(t, row)}\n\n{t('removals-why')}",
        rows(
            *column(
                (
                    t("removals-reason", reason=reason),
                    OnRemovals(act=RemovalAct.OFFER, id=row.channel.id, reason=reason),
                )
                for reason in REASONS
            ),
            [button(t("no-go-back"), _act(row, RemovalAct.CARD))],
        ),
    )


def offered_again(t: Texts, row: Channel) -> Outgoing:
    """Build the notice to an owner that the channel may be offered again."""
    return Outgoing(
        t("notice-channel-offered-again", title=row.title, status=row.status.value),
        rows([receipt_button(t("removals-channels"), Go(screen=Screen.CHANNELS))]),
    )


def _facts(t: Texts, row: ChannelRemovals) -> str:
    lines = [
        t(
            "removals-card",
            title=row.channel.title,
            channel=str(row.channel.id),
            person=str(row.owner_telegram_id),
        )
    ]
    for removal in row.removals:
        published = removal.published_at
        lines.append(
            t(
                "removals-row",
                id=str(removal.target_id),
                removed=t.time(removal.removed_at),
                published="none" if published is None else t.time(published),
                hours=removal.promised_hours,
            )
        )
    waits = row.channel.removed_early_at is not None
    lines.append(t("removals-state", waits="yes" if waits else "no"))
    return "\n".join(lines)


def _act(row: ChannelRemovals, act: RemovalAct) -> OnRemovals:
    return OnRemovals(act=act, id=row.channel.id)
