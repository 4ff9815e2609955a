"""Handle corrections (repairs of the ledger) in the admin chat."""

from aiogram import F, Router
from aiogram.filters import Command, CommandObject
from aiogram.types import CallbackQuery, Message

from bot.callbacks import CorrectionAct, OnCorrection, ShowCorrections
from bot.context import RequestContext
from bot.screens import corrections as screens
from bot.screens.outgoing import Outgoing
from bot.screens.paging import FETCH_LIMIT, Page, offset
from handlers import command_arguments, respond
from services.money import correction_details, corrections
from services.money.correction_details import CorrectionDetails
from services.platform.actors import MODERATORS, STAFF

router = Router(name="corrections")


async def _details(context: RequestContext, correction_id: int) -> CorrectionDetails:
    async with context.read() as session:
        return await correction_details.get(session, correction_id)


async def _card_screen(context: RequestContext, correction_id: int) -> Outgoing:
    return screens.card(context.t, await _details(context, correction_id))


async def _decide(
    context: RequestContext, act: CorrectionAct, correction_id: int, reason: str
) -> None:
    decision = corrections.confirm if act is CorrectionAct.CONFIRM else corrections.drop
    async with context.begin() as session:
        await decision(session, actor=context.actor, correction_id=correction_id, reason=reason)


@router.message(Command("corrections"))
@router.callback_query(ShowCorrections.filter())
async def show_queue(
    event: CallbackQuery | Message,
    context: RequestContext,
    callback_data: ShowCorrections | None = None,
) -> None:
    """Show a page of the corrections that wait for a decision or for `adtech repair`."""
    context.actor.require_staff(*STAFF, action="corrections")
    page_number = callback_data.page if callback_data else 0
    async with context.read() as session:
        rows = await corrections.list_open(session, limit=FETCH_LIMIT, offset=offset(page_number))
    await respond.show(event, screens.queue(context.t, Page(rows, page_number)))


@router.callback_query(OnCorrection.filter(F.act == CorrectionAct.CARD))
async def show_card(
    press: CallbackQuery, callback_data: OnCorrection, context: RequestContext
) -> None:
    """Show a correction and its wallets in their present state."""
    context.actor.require_staff(*STAFF, action="correction_card")
    await respond.show(press, await _card_screen(context, callback_data.id))


@router.callback_query(
    OnCorrection.filter(F.act.in_({CorrectionAct.ASK_CONFIRM, CorrectionAct.ASK_REFUSE}))
)
async def ask_reason(
    press: CallbackQuery, callback_data: OnCorrection, context: RequestContext
) -> None:
    """Show the preset reasons for a decision about a correction as buttons."""
    context.actor.require_staff(*MODERATORS, action="correction_card")
    details = await _details(context, callback_data.id)
    if callback_data.act in screens.allowed_acts(details):
        await respond.show(press, screens.reasons(context.t, details, callback_data.act))
    else:
        await respond.replace(press, screens.card(context.t, details))
        await respond.alert(press, context.t("correction-moved-on"))


@router.callback_query(
    OnCorrection.filter((F.act == CorrectionAct.CONFIRM) & F.reason.in_(screens.CONFIRM_REASONS))
)
@router.callback_query(
    OnCorrection.filter((F.act == CorrectionAct.REFUSE) & F.reason.in_(screens.REFUSE_REASONS))
)
async def decide_for_preset(
    press: CallbackQuery, callback_data: OnCorrection, context: RequestContext
) -> None:
    """Confirm or refuse a correction for a preset reason."""
    async with respond.show_result(press, lambda: _card_screen(context, callback_data.id)):
        await _decide(context, callback_data.act, callback_data.id, callback_data.reason)


@router.message(Command("confirm"))
async def confirm(message: Message, command: CommandObject, context: RequestContext) -> None:
    """Confirm correction 12 with a typed reason: `/confirm 12 the bank statement says so`."""
    context.actor.require_staff(*MODERATORS, action="correction_confirm")
    await _decide_for_text(message, command, context, CorrectionAct.CONFIRM)


@router.message(Command("refuse"))
async def refuse(message: Message, command: CommandObject, context: RequestContext) -> None:
    """Refuse correction 12 with a typed reason: `/refuse 12 the cause is not known yet`."""
    context.actor.require_staff(*MODERATORS, action="correction_drop")
    await _decide_for_text(message, command, context, CorrectionAct.REFUSE)


async def _decide_for_text(
    message: Message, command: CommandObject, context: RequestContext, act: CorrectionAct
) -> None:
    arguments = command_arguments.id_and_text(command)
    if arguments is None:
        await respond.show(message, Outgoing(context.t("correction-usage")))
        return
    correction_id, reason = arguments
    await _decide(context, act, correction_id, reason)
    await respond.show(message, await _card_screen(context, correction_id))
