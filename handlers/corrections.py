"""Repairs of the books in the admin chat: one admin has proposed, another confirms or refuses."""

from aiogram import F, Router
from aiogram.filters import Command, CommandObject
from aiogram.types import CallbackQuery, Message

from bot.callbacks import CorrectionAct, OnCorrection, ShowCorrections
from bot.context import RequestContext
from bot.screens import corrections as screens
from bot.screens.outgoing import Outgoing
from bot.screens.paging import FETCH, Page, offset
from handlers import command_arguments, respond
from services.money import correction_details, corrections
from services.money.correction_details import CorrectionDetails
from services.platform import errors
from services.platform.actors import MODERATORS, STAFF

router = Router(name="corrections")

_PRESETS = {
    CorrectionAct.CONFIRM: screens.CONFIRM_REASONS,
    CorrectionAct.REFUSE: screens.REFUSE_REASONS,
}


async def _queue(context: RequestContext, number: int) -> Outgoing:
    context.actor.require_staff(*STAFF, action="corrections")
    async with context.read() as session:
        found = await corrections.queue(session, limit=FETCH, offset=offset(number))
    return screens.queue(context.t, Page(found, number))


async def _proposal(context: RequestContext, correction_id: int) -> CorrectionDetails:
    async with context.read() as session:
        return await correction_details.get(session, correction_id)


async def _decide(
    context: RequestContext, act: CorrectionAct, correction_id: int, reason: str
) -> None:
    decision = corrections.confirm if act is CorrectionAct.CONFIRM else corrections.drop
    async with context.begin() as session:
        await decision(session, actor=context.actor, correction_id=correction_id, reason=reason)


@router.message(Command("corrections"))
async def show(message: Message, context: RequestContext) -> None:
    """Show what waits for a second person, or for the owner's role."""
    await respond.show(message, await _queue(context, 0))


@router.callback_query(ShowCorrections.filter())
async def turn_page(
    press: CallbackQuery, callback_data: ShowCorrections, context: RequestContext
) -> None:
    """Show another page of it."""
    await respond.show(press, await _queue(context, callback_data.page))


@router.callback_query(OnCorrection.filter(F.act == CorrectionAct.CARD))
async def show_card(
    press: CallbackQuery, callback_data: OnCorrection, context: RequestContext
) -> None:
    """Show a card as it stands now, and what the books say now."""
    context.actor.require_staff(*STAFF, action="correction_card")
    await respond.show(press, screens.card(context.t, await _proposal(context, callback_data.id)))


@router.callback_query(
    OnCorrection.filter(F.act.in_({CorrectionAct.ASK_CONFIRM, CorrectionAct.ASK_REFUSE}))
)
async def ask_reason(
    press: CallbackQuery, callback_data: OnCorrection, context: RequestContext
) -> None:
    """Ask the second person why; the answer decides."""
    context.actor.require_staff(*MODERATORS, action="correction_card")
    found = await _proposal(context, callback_data.id)
    if callback_data.act in screens.acts(found):
        await respond.show(press, screens.reasons(context.t, found, callback_data.act))
    else:
        await respond.replace(press, screens.card(context.t, found))
        await respond.alert(press, context.t("correction-moved-on"))


@router.callback_query(OnCorrection.filter())
async def decide(
    press: CallbackQuery, callback_data: OnCorrection, context: RequestContext
) -> None:
    """Confirm or refuse for one of the preset reasons; then show what became of it."""
    if callback_data.reason not in _PRESETS[callback_data.act]:
        await respond.alert(press, context.t("button-stale"))
        return
    try:
        await _decide(context, callback_data.act, callback_data.id, callback_data.reason)
    except errors.InvalidMove:
        found = await _proposal(context, callback_data.id)
        await respond.replace(press, screens.card(context.t, found))
        raise
    await respond.show(press, screens.card(context.t, await _proposal(context, callback_data.id)))


@router.message(Command("confirm"))
async def confirm(message: Message, command: CommandObject, context: RequestContext) -> None:
    """`/confirm 12 the bank's statement says so`: a reason in one's own words."""
    context.actor.require_staff(*MODERATORS, action="correction_confirm")
    await _decide_in_words(message, command, context, CorrectionAct.CONFIRM)


@router.message(Command("refuse"))
async def refuse(message: Message, command: CommandObject, context: RequestContext) -> None:
    """`/refuse 12 nobody knows yet how it came about`."""
    context.actor.require_staff(*MODERATORS, action="correction_drop")
    await _decide_in_words(message, command, context, CorrectionAct.REFUSE)


async def _decide_in_words(
    message: Message, command: CommandObject, context: RequestContext, act: CorrectionAct
) -> None:
    found = command_arguments.id_and_words(command)
    if found is None:
        await respond.show(message, Outgoing(context.t("correction-usage")))
        return
    correction_id, reason = found
    await _decide(context, act, correction_id, reason)
    await respond.show(message, screens.card(context.t, await _proposal(context, correction_id)))
