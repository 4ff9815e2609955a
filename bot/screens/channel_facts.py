"""Build the lines with what Telegram says about a channel, and the notices about its timer."""

from bot import names
from bot.callbacks import Go, Screen
from bot.screens.outgoing import Outgoing, receipt_button, rows
from bot.texts import Texts
from db.models.campaigns import Channel
from services.market import auto_delete, topics
from services.market.moderation import PlacementDetails

DESCRIPTION_LENGTH = 200
"""The largest number of characters of a description that a screen shows."""


def lines(t: Texts, row: Channel) -> list[str]:
    """Build the lines for everybody: audience, name, description, timer and the time of all."""
    shown = [
        t(
            "channel-facts",
            subscribers=row.subscribers,
            name=row.username or "none",
            picture="no" if row.facts_at and row.photo_id is None else "yes",
        )
    ]
    if row.description:
        short = names.one_line(names.shorten(row.description, DESCRIPTION_LENGTH))
        shown.append(t("channel-facts-about", description=short))
    if row.auto_delete_seconds:
        shown.append(t("channel-facts-timer", hours=_hours(row.auto_delete_seconds)))
    if row.protected:
        shown.append(t("channel-facts-protected"))
    if row.facts_at is None:
        shown.append(t("channel-facts-unread"))
    else:
        shown.append(t("channel-facts-age", at=t.time(row.facts_at)))
    return shown


def lines_for_owner(t: Texts, row: Channel) -> list[str]:
    """Build the lines for the owner: those for everybody, the bot's rights, and a short timer."""
    shown = lines(t, row)
    if row.bot_rights is not None:
        rights = [t("channel-right", right=right) for right in row.bot_rights or ["none"]]
        shown.insert(-1, t("channel-facts-rights", rights=", ".join(rights)))
    most = auto_delete.most_hours(row.auto_delete_seconds)
    if most is not None and auto_delete.is_too_short(row, row.promised_hours or 0):
        shown.append(t("channel-facts-short", promised=row.promised_hours or 0, most=most))
    return shown


def timer_short(t: Texts, row: Channel, seconds: int, broken: int, *, to_owner: bool) -> Outgoing:
    """Build the notice about a timer that is shorter than what the channel promises.

    `broken` is the number of open placements with a longer promise. A notice that is not for the
    owner is for the staff.
    """
    text = t(
        "notice-channel-timer-short",
        title=row.title,
        hours=_hours(seconds),
        broken=broken,
        to="owner" if to_owner else "staff",
    )
    if not to_owner:
        return Outgoing(text)
    screen = Go(screen=Screen.CHANNEL, id=row.id)
    return Outgoing(text, rows([receipt_button(t("channel-open"), screen)]))


def placement_timer_short(t: Texts, row: PlacementDetails, seconds: int) -> Outgoing:
    """Build the notice to an advertiser about a timer that is shorter than the promised hours."""
    text = t(
        "notice-placement-timer-short",
        channel=row.channel_title,
        hours=_hours(seconds),
        id=str(row.target_id),
        promised=row.promised_hours,
    )
    screen = Go(screen=Screen.PLACEMENT, id=row.target_id)
    return Outgoing(text, rows([receipt_button(t("placement-card"), screen)]))


def _hours(seconds: int) -> int:
    return max(seconds // auto_delete.HOUR, 1)


def topic(t: Texts, stored: str | None) -> str:
    """Return the name of a topic, or the text that the owner typed before there was a list."""
    if stored is None:
        return t("unset")
    return t("topic", topic=stored) if stored in topics.TOPICS else stored
