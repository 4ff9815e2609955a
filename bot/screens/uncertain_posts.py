"""Build the messages on which admins decide about unclear posts and broken promises."""

from collections.abc import Sequence
from datetime import timedelta

from aiogram.types import InlineKeyboardButton

from bot.callbacks import (
    OnUncertainPost,
    ResolutionAct,
    StatePublished,
    StatePublishedConfirmed,
)
from bot.screens.outgoing import Outgoing, button, rows
from bot.screens.placements import link
from bot.texts import Texts
from db.models.money import EscrowStatus
from db.models.posting import Verdict
from services.posts.resolution_details import ResolutionCase


def card(t: Texts, case: ResolutionCase, *, with_ad: bool) -> Outgoing:
    """Build the staff's message about one post.

    If no decision is needed, the message has no buttons. If `with_ad` is True, the ad is sent
    first, in another message.
    """
    lines = [
        t(
            "uncertain-card",
            id=str(case.target_id),
            campaign=case.campaign_name,
            channel=case.channel_title,
            price=t.money(case.price),
        )
    ]
    if case.uncertain:
        lines.append(t("uncertain-uncertain"))
    elif case.needs_decision and case.breach is not None and case.breach_refund_at is not None:
        lines.append(
            t("breach-card", breach=case.breach.value, until=t.time(case.breach_refund_at))
        )
        lines += _evidence(t, case)
    elif case.needs_decision and case.ends_at is not None:
        lines.append(t("uncertain-unseen", until=t.time(case.ends_at)))
        lines += _evidence(t, case)
    else:
        paid = case.escrow_status is EscrowStatus.RELEASED
        lines.append(t("uncertain-over", status="released" if paid else case.job_status.value))
    if case.last_error and case.uncertain:
        lines.append(t("uncertain-error", error=case.last_error))
    return Outgoing(
        "\n\n".join(lines), rows(*_buttons(t, case)), case.creative if with_ad else None
    )


def _evidence(t: Texts, case: ResolutionCase) -> list[str]:
    """Build the paragraphs that list each check of a published post."""
    lines = [
        t(
            "check-line",
            at=t.time(check.checked_at),
            verdict=check.verdict.value,
            parts=altered_parts(t, check.altered_parts),
        )
        for check in case.checks
    ]
    paragraphs = ["\n".join([t("check-list"), *lines])] if lines else []
    if case.taken_over:
        paragraphs.append(t("check-taken-over"))
    if (unseen := case.unseen_before_end) is not None:
        hours, rest = divmod(unseen, timedelta(hours=1))
        minutes = rest // timedelta(minutes=1)
        paragraphs.append(t("check-gap", hours=hours, minutes=minutes))
    return paragraphs


def altered_parts(t: Texts, parts: Sequence[str]) -> str:
    """Return the names of the altered parts of an ad in one text."""
    return ", ".join(t("altered-part", part=part) for part in parts)


def ask_link(t: Texts, case: ResolutionCase) -> Outgoing:
    """Build the question to an admin for the link to a possibly published post."""
    back = OnUncertainPost(act=ResolutionAct.CARD, id=case.target_id, claim=case.claim_no)
    return Outgoing(
        t("uncertain-ask-link", id=str(case.target_id), channel=case.channel_title),
        rows([_open_button(t, case)], [button(t("back"), back)]),
    )


def ask_second_admin(t: Texts, case: ResolutionCase, message_id: int) -> Outgoing:
    """Build the question to a second admin whether a message is the post."""
    agree = StatePublished(id=case.target_id, claim=case.claim_no, message_id=message_id)
    back = OnUncertainPost(act=ResolutionAct.CARD, id=case.target_id, claim=case.claim_no)
    return Outgoing(
        t("uncertain-second-admin", id=str(case.target_id), message=str(message_id)),
        rows(
            [link(t, case.channel_username, case.chat_id, message_id)],
            [button(t("uncertain-agree"), agree)],
            [button(t("back"), back)],
        ),
    )


def confirm_statement(t: Texts, case: ResolutionCase, message_id: int) -> Outgoing:
    """Build the question whether a second admin is sure that a message is the post."""
    sure = StatePublishedConfirmed(id=case.target_id, claim=case.claim_no, message_id=message_id)
    back = OnUncertainPost(act=ResolutionAct.CARD, id=case.target_id, claim=case.claim_no)
    return Outgoing(
        t("uncertain-agree-question", id=str(case.target_id), message=str(message_id)),
        rows(
            [link(t, case.channel_username, case.chat_id, message_id)],
            [button(t("uncertain-agree-sure"), sure)],
            [button(t("no-go-back"), back)],
        ),
    )


def confirm(t: Texts, case: ResolutionCase, act: ResolutionAct) -> Outgoing:
    """Build the question whether an admin is sure about a final decision.

    `act` is REFUND, RELEASE, ABSENT_CONFIRMED or DISMISS_CONFIRMED.
    """
    text = t(
        "uncertain-sure",
        act=act.value,
        id=str(case.target_id),
        channel=case.channel_title,
        price=t.money(case.price),
    )
    sure = OnUncertainPost(act=act, id=case.target_id, claim=case.claim_no)
    back = OnUncertainPost(act=ResolutionAct.CARD, id=case.target_id, claim=case.claim_no)
    return Outgoing(
        text,
        rows(
            [button(t("uncertain-sure-button", act=act.value), sure)],
            [button(t("no-go-back"), back)],
        ),
    )


def _buttons(t: Texts, case: ResolutionCase) -> list[list[InlineKeyboardButton]]:
    def act_button(text: str, act: ResolutionAct) -> InlineKeyboardButton:
        return button(text, OnUncertainPost(act=act, id=case.target_id, claim=case.claim_no))

    if case.uncertain:
        return [
            [_open_button(t, case)],
            [act_button(t("uncertain-there"), ResolutionAct.THERE)],
            [act_button(t("uncertain-absent"), ResolutionAct.ABSENT)],
            [act_button(t("uncertain-refund"), ResolutionAct.ASK_REFUND)],
        ]
    if case.needs_decision and case.breach is not None:
        pay = act_button(t("breach-release"), ResolutionAct.ASK_RELEASE)
        return [
            [_open_button(t, case)],
            [act_button(t("breach-dismiss"), ResolutionAct.DISMISS)],
            [pay] if case.unverifiable else [],
            [act_button(t("uncertain-refund"), ResolutionAct.ASK_REFUND)],
        ]
    if case.needs_decision:
        altered = any(check.verdict is Verdict.ALTERED for check in case.checks)
        release = t("breach-release" if altered else "uncertain-release")
        return [
            [_open_button(t, case)],
            [act_button(t("uncertain-wait"), ResolutionAct.WAIT)],
            [act_button(release, ResolutionAct.ASK_RELEASE)],
            [act_button(t("uncertain-refund"), ResolutionAct.ASK_REFUND)],
        ]
    return []


def _open_button(t: Texts, case: ResolutionCase) -> InlineKeyboardButton:
    """Make the button that opens the post, or the channel if the post's id is not known."""
    message_id = case.message_id or case.known_message_id or 1
    post = link(t, case.channel_username, case.chat_id, message_id)
    if case.message_id is not None:
        return post
    return post.model_copy(update={"text": t("uncertain-open-channel")})
