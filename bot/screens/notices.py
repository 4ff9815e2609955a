"""Build the notices that the bot sends to people and to the admin chat after an event."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from bot.callbacks import (
    CorrectionAct,
    FormName,
    Go,
    OnCorrection,
    OpenForm,
    Screen,
)
from bot.screens import formats, next_steps
from bot.screens.outgoing import Outgoing, button, receipt_button, rows
from bot.screens.placements import link, post_address, reason
from bot.screens.uncertain_posts import altered_parts
from bot.screens.violations import line as violation_line
from bot.texts import Texts
from db.models.campaigns import Channel, TargetStatus
from services.market import channels, terms
from services.market.moderation import PlacementDetails
from services.platform.alert_conditions import BY_NAME
from services.posts.alterations import Alteration

_FOR_OWNERS = frozenset({"notice-ad-scheduled", "notice-ad-offer-ended"})
_ABOUT_MONEY = frozenset({"notice-funds-missing", "notice-loss-open"})
"""The notices after which the advertiser has to open the wallet."""
_BUY_AGAIN = frozenset({"notice-placement-declined", "notice-target-expired"})
_PAYOUT = ("notice-target-paid", "owner")
_MAX_LISTED = 10
_MAX_RESTORED = 50
"""The largest number of rows or placements that one notice lists."""


def placement(
    t: Texts, message_id: str, row: PlacementDetails, payload: Mapping[str, Any]
) -> Outgoing:
    """Build a notice about a placement to the advertiser or the owner.

    `message_id` names the text. `payload` holds facts about the event, and its key `to` can name
    the receiver.
    """
    to = payload.get("to") or ("owner" if message_id in _FOR_OWNERS else "advertiser")
    unchecked_hours, unchecked_minutes = divmod(payload.get("unchecked_minutes", 0), 60)
    text = t(
        message_id,
        to=to,
        id=str(row.target_id),
        campaign=row.campaign_name,
        channel=row.channel_title,
        price=t.money(row.price, row.currency),
        share=t.money(terms.share(row.price, row.fee_bps).owner, row.currency),
        hours=row.promised_hours,
        top=row.hours_on_top,
        stays=formats.stays(t, row),
        ending=row.ending.value,
        when=t.time(row.publish_at) if row.publish_at else t("when-now"),
        amount=t.money(payload.get("amount", row.price), row.currency),
        back=t.money(payload["returned"], row.currency) if payload.get("returned") else "none",
        missing=t.money(payload.get("missing", 0), row.currency),
        lacks=_yes_or_no(payload.get("missing")),
        loss=t.money(payload["loss"], row.currency) if payload.get("loss") else "none",
        reason=reason(t, row.decision_reason or "other", declined=row.is_declined),
        state=_ended_as(row),
        answer_due=t.time(row.answer_due_at) if row.answer_due_at else "",
        unanswered=payload.get("missing_answer") or _yes_or_no(payload.get("unanswered")),
        parts=altered_parts(t, payload.get("parts", ())),
        record=_record(payload),
        alterations=payload.get("alterations", 0),
        unchecked_hours=unchecked_hours,
        unchecked_minutes=unchecked_minutes,
        breach=payload.get("breach", ""),
        why_cancelled=t("cancel-reason", reason=payload.get("reason", "")),
        why=t("placement-channel-why", reason=payload.get("reason", "")),
        until=t.time(datetime.fromisoformat(payload["until"])) if "until" in payload else "",
    )
    post_row = []
    if payload.get("message_id") is not None:
        post_row = [link(t, row.channel_username, row.channel_chat_id, payload["message_id"])]
    buttons = [receipt_button(t("placement-card"), Go(screen=Screen.PLACEMENT, id=row.target_id))]
    if message_id in _ABOUT_MONEY or (message_id, to) == _PAYOUT:
        buttons.append(receipt_button(t("menu-wallet"), Go(screen=Screen.WALLET)))
    if message_id in _BUY_AGAIN:
        buttons.append(receipt_button(t("menu-buy"), Go(screen=Screen.BUY)))
    return Outgoing(text, rows(post_row, buttons))


def _yes_or_no(fact: object) -> str:
    return "yes" if fact else "no"


def _ended_as(row: PlacementDetails) -> str:
    """Return how a placement ended, in one word, for its owner."""
    if row.status == TargetStatus.EXPIRED and row.agreed_at is None:
        return "unchanged" if row.wanted else "unanswered"
    return str(row.status)


def posts_altered(t: Texts, alterations: Sequence[Alteration]) -> Outgoing:
    """Build the notice to staff about published posts that were altered for the first time."""
    lines = [
        t(
            "notice-posts-altered-line",
            id=str(row.target_id),
            channel=row.channel_title,
            parts=altered_parts(t, row.parts),
            link=post_address(None, row.chat_id, row.message_id),
        )
        for row in alterations[:_MAX_LISTED]
    ]
    if len(alterations) > _MAX_LISTED:
        lines.append(t("notice-posts-altered-more", count=len(alterations) - _MAX_LISTED))
    return Outgoing("\n".join([t("notice-posts-altered"), *lines]))


def _record(payload: Mapping[str, Any]) -> str:
    if payload.get("decided"):
        return "decided"
    # Without an alteration, an unclear answer of Telegram means that the post may have changed.
    if payload.get("alterations"):
        return "altered"
    if payload.get("unclear"):
        return "unclear"
    return "unchecked" if payload.get("unchecked_minutes") else "stayed"


def in_private(t: Texts, alarm: Outgoing) -> Outgoing:
    """Add to an alarm why a super admin gets the alarm in private."""
    return replace(alarm, text=f"{t('alarm-in-private')}\n\n{alarm.text}")


def answer_lost(t: Texts, lost_text: str | None) -> Outgoing:
    """Build the message with the text of an answer that Telegram may not have shown.

    `lost_text` is None if the text is not known.
    """
    if lost_text is None:
        return Outgoing(t("notice-answer-lost"))
    return Outgoing(f"{t('notice-answer-late')}\n\n{lost_text}")


def invoice_lost(t: Texts) -> Outgoing:
    """Build the message about an invoice that Telegram may not have shown."""
    again = button(t("wallet-top-up"), OpenForm(name=FormName.TOP_UP))
    return Outgoing(t("notice-invoice-lost"), rows([again]))


def telegram_down(t: Texts, incident_id: int) -> Outgoing:
    """Build the notice to staff that Telegram does not answer and that sending has stopped."""
    command = BY_NAME["telegram_down"].command
    return Outgoing(
        f"{t('notice-telegram-down', id=str(incident_id))}\n{command}",
        rows(*next_steps.beside(t, command)),
    )


def telegram_back(t: Texts, incident_id: int, minutes: int) -> Outgoing:
    """Build the notice to staff that Telegram answers again and that sending continues."""
    return Outgoing(t("notice-telegram-back", id=str(incident_id), minutes=minutes))


def channel_suspended(t: Texts, row: Channel, reason: str) -> Outgoing:
    """Build the notice to an owner that a channel is suspended."""
    text = t(
        "notice-channel-suspended",
        title=row.title,
        why=t("channel-suspended-why", reason=reason),
    )
    if reason not in channels.REASONS_WITH_ACCESS:
        text = f"{text} {t('notice-channel-unseen')}"
    return Outgoing(text)


def channel_taken_over(t: Texts, row: Channel) -> Outgoing:
    """Build the notice to the former owner and the staff that a channel has a new owner."""
    return Outgoing(t("notice-channel-taken-over", title=row.title))


def person_blocked(t: Texts, *, blocked: bool) -> Outgoing:
    """Build the notice to a person that they are blocked, or no longer blocked."""
    return Outgoing(t("notice-person-blocked" if blocked else "notice-person-unblocked"))


def payment_parked(t: Texts, inbox_id: int, error: str) -> Outgoing:
    """Build the notice to staff that a payment or a refund could not be booked."""
    return Outgoing(t("notice-payment-parked", id=str(inbox_id), error=error))


def updates_parked(t: Texts, error: str) -> Outgoing:
    """Build the notice to staff that updates from Telegram could not be handled."""
    return Outgoing(t("notice-updates-parked", error=error))


def ledger_violation(
    t: Texts, incident_id: int, violations: Sequence[Mapping[str, Any]]
) -> Outgoing:
    """Build the notice to staff about violated rules of the ledger."""
    command = BY_NAME["ledger_violation"].command
    lines = [t("notice-ledger-violation", id=str(incident_id)), command]
    lines += [violation_line(t, each["name"], each["rows"]) for each in violations]
    buttons = next_steps.beside(t, command, next_steps.INCIDENTS, next_steps.KILLSWITCH)
    return Outgoing("\n".join(lines), rows(*buttons))


def backup_restored(
    t: Texts, incident_id: int, *, searched: int, parked: int, withdrawals: Sequence[int]
) -> Outgoing:
    """Build the notice to staff that a backup was restored, and what they have to do."""
    lines = [
        t("notice-backup-restored", id=str(incident_id), searched=str(searched), parked=str(parked))
    ]
    if withdrawals:
        ids = ", ".join(f"#{each}" for each in withdrawals[:_MAX_RESTORED])
        more = max(len(withdrawals) - _MAX_RESTORED, 0)
        lines.append(t("notice-backup-withdrawals", ids=ids, more=more))
    lines.append(t("notice-backup-next", id=str(incident_id)))
    buttons = next_steps.beside(t, "/withdrawals", next_steps.INCIDENTS, next_steps.KILLSWITCH)
    return Outgoing("\n".join(lines), rows(*buttons))


def schema_differs(
    t: Texts, incident_id: int, differences: Sequence[Mapping[str, Any]], *, freezes: bool
) -> Outgoing:
    """Build the notice to staff about guards of the database that differ from the release."""
    number = str(incident_id)
    lines = [
        t("notice-guard-missing", id=number) if freezes else t("notice-schema-differs", id=number)
    ]
    lines += [
        t(
            "notice-guard-line",
            kind=str(difference.get("kind")),
            guard=str(difference.get("ref")),
            repair=str(difference.get("repair")),
        )
        for difference in differences[:_MAX_LISTED]
    ]
    return Outgoing("\n".join(lines), rows(*next_steps.beside(t, next_steps.INCIDENTS)))


def audit_chain_broken(
    t: Texts, incident_id: int, violations: Sequence[Mapping[str, Any]]
) -> Outgoing:
    """Build the notice to staff about faults of the audit chain or of its file."""
    lines = [t("notice-audit-chain-broken", id=str(incident_id))]
    lines.append(BY_NAME["audit_chain_broken"].command)
    lines += [
        t("notice-audit-chain-fault", name=violation["name"], file=str(row.get("ref")))
        for violation in violations
        for row in violation["rows"][:_MAX_LISTED]
    ]
    return Outgoing("\n".join(lines), rows(*next_steps.beside(t, next_steps.INCIDENTS)))


def audit_chain_file_added(t: Texts, name: str, user_id: int | None) -> Outgoing:
    """Build the notice to staff that the scheduler may begin a new file of the audit chain."""
    by = "system" if user_id is None else str(user_id)
    return Outgoing(t("notice-audit-chain-file-added", name=name, by=by))


def audit_chain_extended(t: Texts, number: int, digest: str) -> Outgoing:
    """Build the notice to staff with the last digest of the audit chain."""
    return Outgoing(t("notice-audit-chain-extended", number=str(number), digest=digest))


def escrow_watchdog(t: Texts, count: int, targets: Sequence[int], *, acting: bool) -> Outgoing:
    """Build the notice to staff about placements whose money was held too long without a post.

    `acting` is True if the money is refunded, and False if nothing is refunded now.
    """
    listed = ", ".join(str(target) for target in targets[:_MAX_LISTED])
    message_id = "notice-watchdog-acted" if acting else "notice-watchdog-waits"
    buttons = next_steps.beside(t, "/report held", next_steps.KILLSWITCH)
    return Outgoing(t(message_id, count=count, targets=listed), rows(*buttons))


def role_reconciled(t: Texts, telegram_id: int, change: str) -> Outgoing:
    """Build the notice to staff that a person's role did not agree with SUPER_ADMIN_IDS.

    `change` says whether the program granted or revoked the role, or changed nothing.
    """
    return Outgoing(t("notice-role-reconciled", person=str(telegram_id), change=change))


def staff_blocked(t: Texts, telegram_id: int, *, blocked: bool) -> Outgoing:
    """Build the alarm to staff that a person with a staff role was blocked or unblocked."""
    text = t("notice-staff-blocked", person=str(telegram_id), blocked="yes" if blocked else "no")
    return Outgoing(text)


def correction_changed(t: Texts, payload: Mapping[str, Any]) -> Outgoing:
    """Build the notice to staff that a correction of the ledger has a new status."""
    text = t(
        "notice-correction",
        id=str(payload["correction_id"]),
        kind=t("correction-kind", kind=payload["kind"]),
        status=payload["status"],
    )
    if payload.get("reason"):
        text += "\n" + t("correction-why", reason=t("correction-reason", reason=payload["reason"]))
    card = OnCorrection(act=CorrectionAct.CARD, id=payload["correction_id"])
    return Outgoing(text, rows([button(t("correction-open"), card)]))
