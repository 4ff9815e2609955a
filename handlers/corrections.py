"""Repairs of the books in the admin chat: one admin has proposed, another confirms or refuses."""

from aiogram import F, Router
from aiogram.filters import Command, CommandObject
from aiogram.types import CallbackQuery, Message

from bot.callbacks import CorrectionAct, OnCorrection, ShowCorrections
from bot.screens import corrections as screens
from bot.screens.outgoing import Outgoing
from bot.screens.paging import FETCH, Page, offset
from bot.turn import Turn
from handlers import answers, arguments
from services import corrections, errors, proposals
from services.actors import MODERATORS, STAFF
from services.proposals import Proposal

router = Router(name="corrections")

_PRESETS = {
    CorrectionAct.CONFIRM: screens.CONFIRM_REASONS,
    CorrectionAct.REFUSE: screens.REFUSE_REASONS,
}


async def _queue(turn: Turn, number: int) -> Outgoing:
    turn.actor.require_staff(*STAFF, action="corrections")
    async with turn.read() as session:
        found = await corrections.queue(session, limit=FETCH, offset=offset(number))
    return screens.queue(turn.t, Page(found, number))


async def _proposal(turn: Turn, correction_id: int) -> Proposal:
    async with turn.read() as session:
        return await proposals.get(session, correction_id)


async def _decide(turn: Turn, act: CorrectionAct, correction_id: int, reason: str) -> None:
    decision = corrections.confirm if act is CorrectionAct.CONFIRM else corrections.drop
    async with turn.begin() as session:
        await decision(session, actor=turn.actor, correction_id=correction_id, reason=reason)


@router.message(Command("corrections"))
async def show(message: Message, turn: Turn) -> None:
    """Show what waits for a second person, or for the owner's role."""
    await answers.show(message, await _queue(turn, 0))


@router.callback_query(ShowCorrections.filter())
async def turn_page(press: CallbackQuery, callback_data: ShowCorrections, turn: Turn) -> None:
    """Show another page of it."""
    await answers.show(press, await _queue(turn, callback_data.page))


@router.callback_query(OnCorrection.filter(F.act == CorrectionAct.CARD))
async def show_card(press: CallbackQuery, callback_data: OnCorrection, turn: Turn) -> None:
    """Show a card as it stands now, and what the books say now."""
    turn.actor.require_staff(*STAFF, action="correction_card")
    await answers.show(press, screens.card(turn.t, await _proposal(turn, callback_data.id)))


@router.callback_query(
    OnCorrection.filter(F.act.in_({CorrectionAct.ASK_CONFIRM, CorrectionAct.ASK_REFUSE}))
)
async def ask_reason(press: CallbackQuery, callback_data: OnCorrection, turn: Turn) -> None:
    """Ask the second person why; the answer decides."""
    turn.actor.require_staff(*MODERATORS, action="correction_card")
    found = await _proposal(turn, callback_data.id)
    if callback_data.act in screens.acts(found):
        await answers.show(press, screens.reasons(turn.t, found, callback_data.act))
    else:
        await answers.replace(press, screens.card(turn.t, found))
        await answers.alert(press, turn.t("correction-moved-on"))


@router.callback_query(OnCorrection.filter())
async def decide(press: CallbackQuery, callback_data: OnCorrection, turn: Turn) -> None:
    """Confirm or refuse for one of the preset reasons; then show what became of it."""
    if callback_data.reason not in _PRESETS[callback_data.act]:
        await answers.alert(press, turn.t("button-stale"))
        return
    try:
        await _decide(turn, callback_data.act, callback_data.id, callback_data.reason)
    except errors.InvalidMove:
        found = await _proposal(turn, callback_data.id)
        await answers.replace(press, screens.card(turn.t, found))
        raise
    await answers.show(press, screens.card(turn.t, await _proposal(turn, callback_data.id)))


@router.message(Command("confirm"))
async def confirm(message: Message, command: CommandObject, turn: Turn) -> None:
    """`/confirm 12 the bank's statement says so`: a reason in one's own words."""
    turn.actor.require_staff(*MODERATORS, action="correction_confirm")
    await _decide_in_words(message, command, turn, CorrectionAct.CONFIRM)


@router.message(Command("refuse"))
async def refuse(message: Message, command: CommandObject, turn: Turn) -> None:
    """`/refuse 12 nobody knows yet how it came about`."""
    turn.actor.require_staff(*MODERATORS, action="correction_drop")
    await _decide_in_words(message, command, turn, CorrectionAct.REFUSE)


async def _decide_in_words(
    message: Message, command: CommandObject, turn: Turn, act: CorrectionAct
) -> None:
    found = arguments.id_and_words(command)
    if found is None:
        await answers.show(message, Outgoing(turn.t("correction-usage")))
        return
    correction_id, reason = found
    await _decide(turn, act, correction_id, reason)
    await answers.show(message, screens.card(turn.t, await _proposal(turn, correction_id)))
