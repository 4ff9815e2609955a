"""Withdrawals in the admin chat: approved, marked as paid, or given back; checked at each press."""

from aiogram import F, Router
from aiogram.filters import Command, CommandObject
from aiogram.types import CallbackQuery, Message

from bot.callbacks import OnWithdrawal, ShowWithdrawals, WithdrawalAct
from bot.context import RequestContext
from bot.screens import withdrawals as screens
from bot.screens.outgoing import Outgoing
from bot.screens.paging import FETCH, Page, offset
from handlers import command_arguments, respond
from services.money import withdrawals
from services.platform import errors
from services.platform.actors import MODERATORS

router = Router(name="withdrawals")


async def _queue(context: RequestContext, number: int) -> Outgoing:
    context.actor.require_staff(*MODERATORS, action="withdrawals")
    async with context.read() as session:
        found = await withdrawals.queue(session, limit=FETCH, offset=offset(number))
    return screens.queue(context.t, Page(found, number))


async def _card(context: RequestContext, withdrawal_id: int) -> withdrawals.Card:
    async with context.read() as session:
        return await withdrawals.card(session, withdrawal_id)


@router.message(Command("withdrawals"))
async def show(message: Message, context: RequestContext) -> None:
    """Show what waits for staff."""
    await respond.show(message, await _queue(context, 0))


@router.callback_query(ShowWithdrawals.filter())
async def turn_page(
    press: CallbackQuery, callback_data: ShowWithdrawals, context: RequestContext
) -> None:
    """Show another page of it."""
    await respond.show(press, await _queue(context, callback_data.page))


@router.callback_query(OnWithdrawal.filter(F.act == WithdrawalAct.CARD))
async def show_card(
    press: CallbackQuery, callback_data: OnWithdrawal, context: RequestContext
) -> None:
    """Show a card as it stands now."""
    context.actor.require_staff(*MODERATORS, action="withdrawal_card")
    await respond.show(press, screens.card(context.t, await _card(context, callback_data.id)))


@router.callback_query(
    OnWithdrawal.filter(F.act.in_({WithdrawalAct.ASK_REFERENCE, WithdrawalAct.ASK_REASON}))
)
async def ask(press: CallbackQuery, callback_data: OnWithdrawal, context: RequestContext) -> None:
    """Ask under which reference it was paid, or why it is given back."""
    context.actor.require_staff(*MODERATORS, action="withdrawal_card")
    row = await _card(context, callback_data.id)
    if row.status not in withdrawals.OPEN:
        await respond.replace(press, screens.card(context.t, row))
        await respond.alert(press, context.t("withdrawal-moved-on"))
    elif callback_data.act is WithdrawalAct.ASK_REFERENCE:
        await respond.show(press, screens.ask_reference(context.t, row))
    else:
        await respond.show(press, screens.reasons(context.t, row))


@router.callback_query(OnWithdrawal.filter())
async def decide(
    press: CallbackQuery, callback_data: OnWithdrawal, context: RequestContext
) -> None:
    """Approve it, or give the money back for one of the preset reasons."""
    act, withdrawal_id, reason = callback_data.act, callback_data.id, callback_data.reason
    if act is WithdrawalAct.RETURN and reason not in screens.REASONS:
        await respond.alert(press, context.t("button-stale"))
        return
    try:
        async with context.begin() as session:
            if act is WithdrawalAct.APPROVE:
                await withdrawals.approve(session, actor=context.actor, withdrawal_id=withdrawal_id)
            else:
                await withdrawals.return_money(
                    session, actor=context.actor, withdrawal_id=withdrawal_id, reason=reason
                )
    except errors.InvalidMove:
        await respond.replace(press, screens.card(context.t, await _card(context, withdrawal_id)))
        raise
    await respond.show(press, screens.card(context.t, await _card(context, withdrawal_id)))


@router.message(Command("paid"))
async def paid(message: Message, command: CommandObject, context: RequestContext) -> None:
    """`/paid 12 wire-0815`: withdrawal 12 was paid outside, under this reference."""
    context.actor.require_staff(*MODERATORS, action="withdrawal_paid")
    found = command_arguments.id_and_words(command)
    if found is None:
        await respond.show(message, Outgoing(context.t("withdrawal-paid-usage")))
        return
    withdrawal_id, reference = found
    try:
        async with context.begin() as session:
            await withdrawals.mark_paid(
                session,
                actor=context.actor,
                withdrawal_id=withdrawal_id,
                external_reference=reference,
            )
    except errors.IdempotencyConflict:
        taken = context.t("withdrawal-reference-taken", id=str(withdrawal_id))
        await respond.show(message, Outgoing(taken))
        return
    await respond.show(message, screens.card(context.t, await _card(context, withdrawal_id)))


@router.message(Command("return"))
async def give_back(message: Message, command: CommandObject, context: RequestContext) -> None:
    """`/return 12 the bank sent it back`: the money goes back, for a reason in one's own words."""
    context.actor.require_staff(*MODERATORS, action="withdrawal_return")
    found = command_arguments.id_and_words(command)
    if found is None:
        await respond.show(message, Outgoing(context.t("withdrawal-return-usage")))
        return
    withdrawal_id, reason = found
    async with context.begin() as session:
        await withdrawals.return_money(
            session, actor=context.actor, withdrawal_id=withdrawal_id, reason=reason
        )
    await respond.show(message, screens.card(context.t, await _card(context, withdrawal_id)))
