"""Build the messages on which admins approve or reject placements (purchases of posts)."""

from aiogram.types import InlineKeyboardButton

from bot.callbacks import Moderate, ModerationAct, ShowQueue
from bot.screens import clicks, formats, moderation_facts, wanted_changes
from bot.screens.outgoing import Outgoing, button, column, rows
from bot.screens.paging import Page
from bot.screens.placements import reason
from bot.texts import Texts
from db.models.campaigns import TargetStatus
from services.market.moderation import PlacementDetails
from services.market.placement_backgrounds import Background

REASONS = ("forbidden", "misleading", "quality", "link", "channel", "other")
"""The preset reasons for a rejection, which the bot translates for advertisers."""


def card(t: Texts, row: PlacementDetails, background: Background, *, with_ad: bool) -> Outgoing:
    """Build the staff's message about one placement, and what is known about both sides.

    If `with_ad` is True, the ad is sent first, in another message.
    """
    text = "\n".join([_facts(t, row), *moderation_facts.lines(t, row, background)])
    buttons = _buttons(t, row, is_read=background.reader is not None)
    return Outgoing(text, rows(*buttons), row.creative if with_ad else None)


def reasons(t: Texts, row: PlacementDetails) -> Outgoing:
    """Build the staff's message about one placement, with the preset reasons for a rejection."""
    return Outgoing(
        _facts(t, row),
        rows(
            *column(
                (
                    t("reject-reason", reason=reason),
                    _data(row, ModerationAct.REJECT, reason),
                )
                for reason in REASONS
            ),
            [button(t("back"), _data(row, ModerationAct.CARD))],
        ),
    )


def changes(t: Texts, row: PlacementDetails) -> Outgoing:
    """Build the staff's message about one placement, with the presets of what should change."""
    return Outgoing(
        f"{_facts(t, row)}\n\n{t('change-what-staff', id=str(row.target_id))}",
        rows(
            *column(
                (t("change-reason", reason=reason), _data(row, ModerationAct.CHANGE, reason))
                for reason in wanted_changes.REASONS
            ),
            [button(t("back"), _data(row, ModerationAct.CARD))],
        ),
    )


def queue(t: Texts, page: Page[PlacementDetails]) -> Outgoing:
    """Build the list of placements that wait for a decision, the oldest first."""
    return Outgoing(
        t("queue" if page.fetched else "queue-empty"),
        rows(
            *column(
                (
                    t(
                        "queue-row",
                        id=str(row.target_id),
                        campaign=row.campaign_name,
                        channel=row.channel_title,
                    ),
                    Moderate(act=ModerationAct.OPEN, id=row.target_id),
                )
                for row in page.rows
            ),
            page.buttons(t, lambda number: ShowQueue(page=number)),
        ),
    )


def _facts(t: Texts, row: PlacementDetails) -> str:
    status = TargetStatus(row.status)
    lines = [
        t(
            "card",
            id=str(row.target_id),
            campaign=row.campaign_name,
            campaign_id=str(row.campaign_id),
            advertiser=str(row.advertiser_telegram_id),
            balance=t.money(row.advertiser_balance, row.currency),
            channel=row.channel_title,
            address=row.channel_username or "private",
            owner=str(row.owner_telegram_id),
            price=t.money(row.price, row.currency),
            stays=formats.stays(t, row),
            when=t.time(row.publish_at) if row.publish_at else t("when-approved"),
        ),
        t("card-status", status=_state(row), by=str(row.decided_by_telegram_id or "")),
    ]
    if row.agreed_at is not None:
        lines.append(t("card-agreed", by=row.agreed_by, at=t.time(row.agreed_at)))
    if row.topic is not None:
        lines.append(t("offer-topic", topic=t("topic", topic=row.topic)))
    lines += clicks.target_lines(t, row)
    lines += wanted_changes.lines(t, row.wanted, row.version, to="staff")
    if status is TargetStatus.PENDING and row.advertiser_loss:
        lines.append(t("card-loss", loss=t.money(row.advertiser_loss, row.currency)))
    if status is TargetStatus.PENDING and row.without_card:
        lines.append(t("card-more", count=row.without_card))
    if row.decision_reason and status is TargetStatus.REJECTED:
        why = reason(t, row.decision_reason, declined=row.is_declined)
        lines.append(t("placement-reason", reason=why))
    return "\n".join(lines)


def _state(row: PlacementDetails) -> str:
    if row.waits_for_owner:
        return "asked"
    if row.status == TargetStatus.REJECTED and row.is_declined:
        return "declined"
    return str(row.status)


def _buttons(t: Texts, row: PlacementDetails, *, is_read: bool) -> list[list[InlineKeyboardButton]]:
    if TargetStatus(row.status) is not TargetStatus.PENDING or row.waits_for_owner:
        return []
    taking = ModerationAct.GIVE_BACK if is_read else ModerationAct.TAKE
    return [
        [
            button(t("card-approve"), _data(row, ModerationAct.APPROVE)),
            button(t("card-reject"), _data(row, ModerationAct.ASK_REASON)),
        ],
        [button(t("change-ask"), _data(row, ModerationAct.ASK_CHANGE))],
        [button(t("card-give-back" if is_read else "card-take"), _data(row, taking))],
    ]


def _data(row: PlacementDetails, act: ModerationAct, reason: str = "") -> Moderate:
    return Moderate(act=act, id=row.target_id, reason=reason, version=row.version)
