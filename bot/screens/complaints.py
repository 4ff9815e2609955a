"""Build the screens and messages about complaints."""

from collections.abc import Sequence

from aiogram.types import InlineKeyboardButton

from bot.callbacks import Go, Screen
from bot.complaint_callbacks import (
    AskDecision,
    Complain,
    ComplaintAct,
    ComplaintForm,
    DecideComplaint,
    OnComplaint,
    OpenComplaintForm,
)
from bot.screens.outgoing import Outgoing, button, column, rows
from bot.screens.placements import link
from bot.texts import Texts
from db.models.complaints import ComplaintKind, ComplaintStatus
from services.market.complaint_details import ADVERTISER, OWNER, STAFF, ComplaintCase, Step
from services.market.complaints import WHOLE
from services.market.placements import Placement

SPLITS = (25, 50, 75)
"""The owner's parts in per cent that have a button of their own."""
_ASKED = (ComplaintStatus.DISPUTED, ComplaintStatus.APPEALED)
"""The statuses in which the staff are asked."""


def kinds(t: Texts, row: Placement) -> Outgoing:
    """Build the question what is wrong with the post of an advertiser's placement."""
    ready = [kind for kind in ComplaintKind if kind is not ComplaintKind.OTHER]
    return Outgoing(
        t("complaint-what", id=str(row.target_id), channel=row.channel_title),
        rows(
            *column(
                (t("complaint-kind", kind=kind.value), Complain(kind=kind, id=row.target_id))
                for kind in ready
            ),
            [
                button(
                    t("complaint-kind", kind=ComplaintKind.OTHER.value),
                    OpenComplaintForm(name=ComplaintForm.WORDS, id=row.target_id),
                )
            ],
            [button(t("no-go-back"), Go(screen=Screen.PLACEMENT, id=row.target_id))],
        ),
    )


def card(t: Texts, case: ComplaintCase, side: str) -> Outgoing:
    """Build the message about a complaint for one of its sides or for the staff."""
    lines = [
        t(
            "complaint-card",
            number=str(case.id),
            id=str(case.target_id),
            channel=case.channel_title,
            kind=case.kind.value,
            price=t.money(case.price),
            held="yes" if case.outcome is None else "no",
        ),
        *(step(t, case, each) for each in case.steps),
        t(
            "complaint-state",
            state=_state(case),
            side=side,
            until=t.time(case.due_at) if case.due_at else "",
            appeal="yes" if _may_appeal(case, side) else "no",
        ),
    ]
    if side == STAFF:
        lines.append(
            t(
                "complaint-people",
                advertiser=str(case.advertiser_telegram_id),
                owner=str(case.owner_telegram_id),
                complaints=case.complaints,
                groundless=case.groundless,
            )
        )
    return Outgoing("\n\n".join(lines), rows(*_buttons(t, case, side)))


def notice(t: Texts, case: ComplaintCase, side: str, last: str) -> Outgoing:
    """Build the notice to a side about the last step of a complaint."""
    shown = card(t, case, side)
    return Outgoing(f"{t('notice-complaint', step=last)}\n\n{shown.text}", shown.keyboard)


def _state(case: ComplaintCase) -> str:
    """Return the word for the state of a complaint that the text `complaint-state` knows."""
    if case.outcome is not None:
        return case.outcome.value
    if case.may_republish:
        return "gone"
    if not case.is_out:
        return "republishing"
    return case.status.value


def confirm_republication(t: Texts, case: ComplaintCase) -> Outgoing:
    """Build the question to an owner whether the removed post is to be published again."""
    return Outgoing(
        t("complaint-republish-sure", channel=case.channel_title, hours=case.promised_hours),
        rows(
            [
                button(
                    t("complaint-act", act=ComplaintAct.REPUBLISH.value),
                    OnComplaint(act=ComplaintAct.REPUBLISH, id=case.id),
                )
            ],
            [button(t("no-go-back"), OnComplaint(act=ComplaintAct.CARD, id=case.id))],
        ),
    )


def confirm_decision(t: Texts, case: ComplaintCase, percent: int) -> Outgoing:
    """Build the question to an admin whether a decision is meant, with what each side gets."""
    return Outgoing(
        t("complaint-sure", number=str(case.id), what=_what(t, case, percent)),
        rows(
            [
                button(
                    t("complaint-sure-button"),
                    DecideComplaint(id=case.id, percent=percent, stage=case.stage),
                )
            ],
            [button(t("no-go-back"), OnComplaint(act=ComplaintAct.CARD, id=case.id))],
        ),
    )


def step(t: Texts, case: ComplaintCase, taken: Step) -> str:
    """Return the line about one step of a complaint, with the words of its person."""
    words = f"\n“{taken.words}”" if taken.words else ""
    percent = taken.owner_percent
    what = "" if percent is None else _what(t, case, percent)
    kind, side = taken.kind.value, taken.side
    return t("complaint-step", kind=kind, side=side, at=t.time(taken.at), what=what) + words


def _what(t: Texts, case: ComplaintCase, percent: int) -> str:
    """Return in words what each side gets by a decision."""
    parts = case.parts(percent)
    name = {WHOLE: "release", 0: "refund"}.get(percent, "split")
    return t(
        "complaint-decision",
        decision=name,
        percent=percent,
        owner=t.money(parts.owner),
        fee=t.money(parts.fee),
        advertiser=t.money(parts.advertiser),
    )


def _may_appeal(case: ComplaintCase, side: str) -> bool:
    accepted = {OWNER: case.owner_accepts, ADVERTISER: case.advertiser_accepts}
    is_open = case.status is ComplaintStatus.DECIDED and not case.is_appealed
    return is_open and not accepted.get(side, True)


def _corrections(case: ComplaintCase) -> Sequence[ComplaintAct]:
    """Return the actions with which the owner can let the bot put the post right now."""
    if case.may_republish:
        return [ComplaintAct.ASK_REPUBLISH]
    is_asked = case.status is ComplaintStatus.ASKED
    is_checked = case.promised_hours > 0 and not case.is_gone
    return [ComplaintAct.CORRECT] if is_asked and is_checked else []


def _buttons(t: Texts, case: ComplaintCase, side: str) -> Sequence[Sequence[InlineKeyboardButton]]:
    def act(name: ComplaintAct) -> list[InlineKeyboardButton]:
        return [button(t("complaint-act", act=name.value), OnComplaint(act=name, id=case.id))]

    found: list[Sequence[InlineKeyboardButton]] = []
    if side == OWNER:
        found += [act(name) for name in _corrections(case)]
    if side == OWNER and case.status is ComplaintStatus.ASKED:
        answer = OpenComplaintForm(name=ComplaintForm.ANSWER, id=case.id)
        found.append([button(t("complaint-answer"), answer)])
    if side == ADVERTISER and case.status is ComplaintStatus.ANSWERED:
        found += [act(ComplaintAct.SATISFIED), act(ComplaintAct.DISPUTE)]
    elif side == ADVERTISER and case.status in {ComplaintStatus.ASKED, ComplaintStatus.DISPUTED}:
        found.append(act(ComplaintAct.SATISFIED))
    if side == STAFF and case.status in _ASKED and case.is_out:
        found += _decisions(t, case)
    if _may_appeal(case, side):
        found += [act(ComplaintAct.ACCEPT), act(ComplaintAct.APPEAL)]
    found.append(act(ComplaintAct.EVIDENCE))
    if case.message_id is not None and not case.is_gone:
        found.append([link(t, case.channel_username, case.chat_id, case.message_id)])
    if side != STAFF:
        found.append([button(t("back"), Go(screen=Screen.PLACEMENT, id=case.target_id))])
    return found


def _decisions(t: Texts, case: ComplaintCase) -> list[list[InlineKeyboardButton]]:
    def ask(percent: int, name: str) -> InlineKeyboardButton:
        data = AskDecision(id=case.id, percent=percent, stage=case.stage)
        return button(t("complaint-decide", decision=name, percent=percent), data)

    return [
        [ask(WHOLE, "release")],
        [ask(0, "refund")],
        [ask(percent, "split") for percent in SPLITS],
    ]
