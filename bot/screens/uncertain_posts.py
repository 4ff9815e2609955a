"""Build the cards (messages with buttons in the admin chat) of uncertain and unverifiable posts.

An uncertain post is a post that Telegram may or may not have published. An unverifiable post was
published, but the last check could not find out whether the post is still in the channel.
"""

from aiogram.types import InlineKeyboardButton

from bot.callbacks import OnUncertainPost, ResolutionAct
from bot.screens.outgoing import Outgoing, button, rows
from bot.screens.placements import link
from bot.texts import Texts
from services.posts.manual_resolution import ResolutionCase


def card(t: Texts, case: ResolutionCase, *, with_ad: bool) -> Outgoing:
    """Build the card of a post, before or after the admins' decision about the post.

    With `with_ad`, the ad is sent before the card as a separate message.
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
    elif case.needs_decision and case.ends_at is not None:
        lines.append(t("uncertain-unseen", until=t.time(case.ends_at)))
    else:
        lines.append(t("uncertain-over", status=case.job_status.value))
    if case.last_error and case.uncertain:
        lines.append(t("uncertain-error", error=case.last_error))
    return Outgoing(
        "\n\n".join(lines), rows(*_buttons(t, case)), case.creative if with_ad else None
    )


def ask_link(t: Texts, case: ResolutionCase) -> Outgoing:
    """Build the question for the link of a post.

    The bot checks the link before it accepts the link.
    """
    back = OnUncertainPost(act=ResolutionAct.CARD, id=case.target_id, claim=case.claim_no)
    return Outgoing(
        t("uncertain-ask-link", id=str(case.target_id), channel=case.channel_title),
        rows([_open_button(t, case)], [button(t("back"), back)]),
    )


def confirm(t: Texts, case: ResolutionCase, act: ResolutionAct) -> Outgoing:
    """Build the question that is asked before money moves: `act` is REFUND or RELEASE."""
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
        rows([button(t("uncertain-sure-button", act=act.value), sure)], [button(t("back"), back)]),
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
    if case.needs_decision:
        return [
            [_open_button(t, case)],
            [act_button(t("uncertain-wait"), ResolutionAct.WAIT)],
            [act_button(t("uncertain-release"), ResolutionAct.ASK_RELEASE)],
            [act_button(t("uncertain-refund"), ResolutionAct.ASK_REFUND)],
        ]
    return []


def _open_button(t: Texts, case: ResolutionCase) -> InlineKeyboardButton:
    message_id = case.message_id or case.known_message_id or 1
    return link(t, case.channel_username, case.chat_id, message_id)
