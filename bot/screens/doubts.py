"""Cards about posts of which nobody knows whether they are, or stayed, in the channel."""

from aiogram.types import InlineKeyboardButton

from bot.callbacks import DoubtAct, OnDoubt
from bot.screens.outgoing import Outgoing, button, rows
from bot.screens.placements import link
from bot.texts import Texts
from services.decisions import Case


def card(t: Texts, case: Case, *, with_ad: bool) -> Outgoing:
    """A post to decide on, or what has become of it; `with_ad` sends the ad's message first."""
    lines = [
        t(
            "doubt-card",
            id=str(case.target_id),
            campaign=case.campaign_name,
            channel=case.channel_title,
            price=t.money(case.price),
        )
    ]
    if case.uncertain:
        lines.append(t("doubt-uncertain"))
    elif case.undecided and case.ends_at is not None:
        lines.append(t("doubt-unseen", until=t.time(case.ends_at)))
    else:
        lines.append(t("doubt-over", status=case.job_status.value))
    if case.last_error and case.uncertain:
        lines.append(t("doubt-error", error=case.last_error))
    return Outgoing(
        "\n\n".join(lines), rows(*_buttons(t, case)), case.creative if with_ad else None
    )


def ask_link(t: Texts, case: Case) -> Outgoing:
    """Ask for the post's link: it is looked at before it counts."""
    back = OnDoubt(act=DoubtAct.CARD, id=case.target_id, claim=case.claim_no)
    return Outgoing(
        t("doubt-ask-link", id=str(case.target_id), channel=case.channel_title),
        rows([_open(t, case)], [button(t("back"), back)]),
    )


def _buttons(t: Texts, case: Case) -> list[list[InlineKeyboardButton]]:
    def act(text: str, what: DoubtAct) -> InlineKeyboardButton:
        return button(text, OnDoubt(act=what, id=case.target_id, claim=case.claim_no))

    if case.uncertain:
        return [
            [_open(t, case)],
            [act(t("doubt-there"), DoubtAct.THERE)],
            [act(t("doubt-absent"), DoubtAct.ABSENT)],
            [act(t("doubt-refund"), DoubtAct.REFUND)],
        ]
    if case.undecided:
        return [
            [_open(t, case)],
            [act(t("doubt-wait"), DoubtAct.WAIT)],
            [act(t("doubt-release"), DoubtAct.RELEASE)],
            [act(t("doubt-refund"), DoubtAct.REFUND)],
        ]
    return []


def _open(t: Texts, case: Case) -> InlineKeyboardButton:
    near = case.message_id or case.known_message_id or 1
    return link(t, case.channel_username, case.chat_id, near)
