"""Handle complaints about published posts: the two sides' steps, and the staff's decisions."""

from collections.abc import Awaitable, Callable
from typing import Any

from aiogram import Bot, F, Router
from aiogram.filters import Command, CommandObject
from aiogram.fsm.state import State, StatesGroup
from aiogram.types import BufferedInputFile, CallbackQuery, Message
from aiogram_dialog import Dialog, DialogManager
from aiogram_dialog.widgets.input import MessageInput

from bot import evidence_file
from bot.complaint_callbacks import (
    AskComplaint,
    AskDecision,
    Complain,
    ComplaintAct,
    ComplaintForm,
    DecideComplaint,
    OnComplaint,
    OpenComplaintForm,
)
from bot.context import RequestContext
from bot.screens import complaints as screens
from bot.screens.outgoing import Outgoing
from bot.telegram.answers import answer_press
from db.models.complaints import ComplaintKind, ComplaintStatus
from handlers import command_arguments, forms, respond
from handlers import placements as placement_handlers
from services.market import complaint_details, complaint_evidence, complaints, placements
from services.market.complaint_details import OWNER, ComplaintCase
from services.market.complaints import WHOLE
from services.platform.actors import MODERATORS
from services.platform.complaint_errors import ComplaintMovedOn

router = Router(name="complaints")
openers = Router(name="complaint_forms")


class WordsForm(StatesGroup):
    """The steps in which a side writes: a complaint in own words, or the owner's answer."""

    complaint = State()
    answer = State()


async def _case(context: RequestContext, complaint_id: int) -> ComplaintCase:
    async with context.read() as session:
        return await complaint_details.get(session, actor=context.actor, complaint_id=complaint_id)


async def _card(context: RequestContext, complaint_id: int) -> Outgoing:
    case = await _case(context, complaint_id)
    return screens.card(context.t, case, case.side_of(context.actor))


@router.callback_query(AskComplaint.filter())
async def ask_kind(
    press: CallbackQuery, callback_data: AskComplaint, context: RequestContext
) -> None:
    """Ask an advertiser what is wrong with a post, if there can be a complaint about it."""
    async with context.read() as session:
        row = await placements.get(session, actor=context.actor, target_id=callback_data.id)
    if row.advertiser_id == context.user_id and row.may_complain:
        await respond.show(press, screens.kinds(context.t, row))
    else:
        await respond.show(press, await placement_handlers.screen(context, callback_data.id))


@router.callback_query(Complain.filter(F.kind != ComplaintKind.OTHER))
async def complain(press: CallbackQuery, callback_data: Complain, context: RequestContext) -> None:
    """Open the person's complaint, or show the one that is open."""
    async with context.begin() as session:
        complaint_id = await complaints.open_complaint(
            session,
            actor=context.actor,
            target_id=callback_data.id,
            kind=callback_data.kind,
            answer_time=context.settings.complaint_answer,
        )
    await respond.show(press, await _card(context, complaint_id))


@router.callback_query(OnComplaint.filter(F.act == ComplaintAct.CARD))
async def show_card(
    press: CallbackQuery, callback_data: OnComplaint, context: RequestContext
) -> None:
    """Show a complaint as it is now."""
    await respond.show(press, await _card(context, callback_data.id))


@router.callback_query(OnComplaint.filter(F.act == ComplaintAct.EVIDENCE))
async def send_evidence(
    press: CallbackQuery, callback_data: OnComplaint, context: RequestContext, bot: Bot
) -> None:
    """Send the evidence of a complaint, as a summary with a file."""
    if press.message is None:
        await respond.alert(press, context.t("button-stale"))
        return
    async with context.read() as session:
        found = await complaint_evidence.collect(
            session, actor=context.actor, complaint_id=callback_data.id
        )
    await bot.send_document(
        press.message.chat.id,
        BufferedInputFile(
            evidence_file.page(context.t, found), f"complaint-{callback_data.id}.html"
        ),
        caption=evidence_file.summary(context.t, found),
    )
    await answer_press(press)


@router.callback_query(OnComplaint.filter(F.act == ComplaintAct.ASK_REPUBLISH))
async def ask_republication(
    press: CallbackQuery, callback_data: OnComplaint, context: RequestContext
) -> None:
    """Ask the owner whether the removed post is to be published again, if it still can be."""
    case = await _case(context, callback_data.id)
    if case.side_of(context.actor) == OWNER and case.may_republish:
        await respond.show(press, screens.confirm_republication(context.t, case))
    else:
        await respond.show(press, await _card(context, callback_data.id))


_ACTS: dict[ComplaintAct, Callable[..., Awaitable[None]]] = {
    ComplaintAct.SATISFIED: complaints.say_satisfied,
    ComplaintAct.ACCEPT: complaints.accept,
}
_ASKING_ADVERTISER: dict[ComplaintAct, Callable[..., Awaitable[None]]] = {
    ComplaintAct.CORRECT: complaints.ask_correction,
    ComplaintAct.REPUBLISH: complaints.republish,
}
"""The steps after which the advertiser has as long as the owner had."""
_ASKING_STAFF: dict[ComplaintAct, Callable[..., Awaitable[None]]] = {
    ComplaintAct.DISPUTE: complaints.dispute,
    ComplaintAct.APPEAL: complaints.appeal,
}
"""The steps after which the staff are asked."""


_ALL_ACTS = _ACTS | _ASKING_ADVERTISER | _ASKING_STAFF


@router.callback_query(OnComplaint.filter(F.act.in_(_ALL_ACTS)))
async def take_step(
    press: CallbackQuery, callback_data: OnComplaint, context: RequestContext
) -> None:
    """Take the step of a button, and show the complaint."""
    more = {}
    if callback_data.act in _ASKING_STAFF:
        more = {"staff_time": context.settings.complaint_decision}
    elif callback_data.act in _ASKING_ADVERTISER:
        more = {"answer_time": context.settings.complaint_answer}
    async with (
        respond.show_result(press, lambda: _card(context, callback_data.id)),
        context.begin() as session,
    ):
        await _ALL_ACTS[callback_data.act](
            session, actor=context.actor, complaint_id=callback_data.id, **more
        )


@router.callback_query(AskDecision.filter())
async def ask_decision(
    press: CallbackQuery, callback_data: AskDecision, context: RequestContext
) -> None:
    """Ask an admin whether a decision is meant, if the complaint still waits for it."""
    context.actor.require_staff(*MODERATORS, action="complaint_decide")
    case = await _case(context, callback_data.id)
    if _waits(case) and case.stage == callback_data.stage:
        await respond.show(press, screens.confirm_decision(context.t, case, callback_data.percent))
    else:
        await respond.show(press, await _card(context, callback_data.id))


@router.callback_query(DecideComplaint.filter())
async def decide(
    press: CallbackQuery, callback_data: DecideComplaint, context: RequestContext
) -> None:
    """Record the decision of a button, and show the complaint.

    A button of the first decision decides nothing about an appeal.
    """
    context.actor.require_staff(*MODERATORS, action="complaint_decide")
    async with (
        respond.show_result(press, lambda: _card(context, callback_data.id)),
        context.begin() as session,
    ):
        case = await complaint_details.read(session, callback_data.id)
        if case.stage != callback_data.stage:
            raise ComplaintMovedOn(case.id, case.status)
        await complaints.decide(
            session,
            actor=context.actor,
            complaint_id=callback_data.id,
            owner_percent=callback_data.percent,
        )


@router.message(Command("split"))
async def split(message: Message, command: CommandObject, context: RequestContext) -> None:
    """Handle an admin's `/split 12 40`: the owner gets 40 per cent. A button confirms it."""
    context.actor.require_staff(*MODERATORS, action="complaint_decide")
    arguments = command_arguments.id_and_text(command)
    percent = arguments[1].removesuffix("%").strip() if arguments else ""
    is_number = percent.isascii() and percent.isdecimal() and len(percent) <= len(str(WHOLE))
    if arguments is None or not is_number or not 0 < int(percent) < WHOLE:
        await respond.show(message, Outgoing(context.t("complaint-split-usage")))
        return
    case = await _case(context, arguments[0])
    if _waits(case):
        await respond.show(message, screens.confirm_decision(context.t, case, int(percent)))
    else:
        await respond.show(message, await _card(context, case.id))


def _waits(case: ComplaintCase) -> bool:
    return case.status in {ComplaintStatus.DISPUTED, ComplaintStatus.APPEALED}


@openers.callback_query(OpenComplaintForm.filter(F.name == ComplaintForm.WORDS))
async def open_words_form(
    press: CallbackQuery,
    callback_data: OpenComplaintForm,
    context: RequestContext,
    dialog_manager: DialogManager,
) -> None:
    """Open the form for a complaint in own words about the person's own placement."""
    async with context.read() as session:
        row = await placements.get(session, actor=context.actor, target_id=callback_data.id)
    if row.advertiser_id != context.user_id or not row.may_complain:
        await respond.show(press, await placement_handlers.screen(context, callback_data.id))
        return
    await forms.open_form(dialog_manager, WordsForm.complaint, id=callback_data.id)


@openers.callback_query(OpenComplaintForm.filter(F.name == ComplaintForm.ANSWER))
async def open_answer_form(
    press: CallbackQuery,
    callback_data: OpenComplaintForm,
    context: RequestContext,
    dialog_manager: DialogManager,
) -> None:
    """Open the form for the owner's answer, if the complaint still waits for it."""
    case = await _case(context, callback_data.id)
    if case.side_of(context.actor) != OWNER or case.status is not ComplaintStatus.ASKED:
        await respond.show(press, await _card(context, callback_data.id))
        return
    await forms.open_form(dialog_manager, WordsForm.answer, id=callback_data.id)


def _id(manager: DialogManager) -> int:
    start: Any = manager.start_data
    return int(start["id"])


async def _read_complaint(message: Message, _input: MessageInput, manager: DialogManager) -> None:
    context = forms.context_of(manager)
    async with context.begin() as session:
        complaint_id = await complaints.open_complaint(
            session,
            actor=context.actor,
            target_id=_id(manager),
            kind=ComplaintKind.OTHER,
            words=message.text or "",
            answer_time=context.settings.complaint_answer,
        )
    await forms.close_form(manager, await _card(context, complaint_id))


async def _read_answer(message: Message, _input: MessageInput, manager: DialogManager) -> None:
    context = forms.context_of(manager)
    async with context.begin() as session:
        await complaints.answer(
            session,
            actor=context.actor,
            complaint_id=_id(manager),
            words=message.text or "",
            answer_time=context.settings.complaint_answer,
        )
    await forms.close_form(manager, await _card(context, _id(manager)))


async def _placement(manager: DialogManager, context: RequestContext) -> Outgoing:
    return await placement_handlers.screen(context, _id(manager))


async def _complaint(manager: DialogManager, context: RequestContext) -> Outgoing:
    return await _card(context, _id(manager))


words_form = Dialog(
    forms.text_step(
        "complaint-words-ask",
        _read_complaint,
        state=WordsForm.complaint,
        after_cancel=_placement,
        first=True,
    ),
    forms.text_step(
        "complaint-answer-ask",
        _read_answer,
        state=WordsForm.answer,
        after_cancel=_complaint,
        first=True,
    ),
)
