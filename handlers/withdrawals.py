"""Withdrawals in the admin chat: approved, marked as paid, or given back; checked at each press."""

from aiogram import F, Router
from aiogram.filters import Command, CommandObject
from aiogram.types import CallbackQuery, Message

from bot.callbacks import OnWithdrawal, ShowWithdrawals, WithdrawalAct
from bot.screens import withdrawals as screens
from bot.screens.outgoing import Outgoing
from bot.screens.paging import FETCH, Page, offset
from bot.turn import Turn
from handlers import answers, arguments
from services import errors, withdrawals
from services.actors import MODERATORS

router = Router(name="withdrawals")


async def _queue(turn: Turn, number: int) -> Outgoing:
    turn.actor.require_staff(*MODERATORS, action="withdrawals")
    async with turn.read() as session:
        found = await withdrawals.queue(session, limit=FETCH, offset=offset(number))
    return screens.queue(turn.t, Page(found, number))


async def _card(turn: Turn, withdrawal_id: int) -> withdrawals.Card:
    async with turn.read() as session:
        return await withdrawals.card(session, withdrawal_id)


@router.message(Command("withdrawals"))
async def show(message: Message, turn: Turn) -> None:
    """Show what waits for staff."""
    await answers.show(message, await _queue(turn, 0))


@router.callback_query(ShowWithdrawals.filter())
async def turn_page(press: CallbackQuery, callback_data: ShowWithdrawals, turn: Turn) -> None:
    """Show another page of it."""
    await answers.show(press, await _queue(turn, callback_data.page))


@router.callback_query(OnWithdrawal.filter(F.act == WithdrawalAct.CARD))
async def show_card(press: CallbackQuery, callback_data: OnWithdrawal, turn: Turn) -> None:
    """Show a card as it stands now."""
    turn.actor.require_staff(*MODERATORS, action="withdrawal_card")
    await answers.show(press, screens.card(turn.t, await _card(turn, callback_data.id)))


@router.callback_query(
    OnWithdrawal.filter(F.act.in_({WithdrawalAct.ASK_REFERENCE, WithdrawalAct.ASK_REASON}))
)
async def ask(press: CallbackQuery, callback_data: OnWithdrawal, turn: Turn) -> None:
    """Ask under which reference it was paid, or why it is given back."""
    turn.actor.require_staff(*MODERATORS, action="withdrawal_card")
    row = await _card(turn, callback_data.id)
    if row.status not in withdrawals.OPEN:
        await answers.replace(press, screens.card(turn.t, row))
        await answers.alert(press, turn.t("withdrawal-moved-on"))
    elif callback_data.act is WithdrawalAct.ASK_REFERENCE:
        await answers.show(press, screens.ask_reference(turn.t, row))
    else:
        await answers.show(press, screens.reasons(turn.t, row))


@router.callback_query(OnWithdrawal.filter())
async def decide(press: CallbackQuery, callback_data: OnWithdrawal, turn: Turn) -> None:
    """Approve it, or give the money back for one of the preset reasons."""
    act, withdrawal_id, reason = callback_data.act, callback_data.id, callback_data.reason
    if act is WithdrawalAct.RETURN and reason not in screens.REASONS:
        await answers.alert(press, turn.t("button-stale"))
        return
    try:
        async with turn.begin() as session:
            if act is WithdrawalAct.APPROVE:
                await withdrawals.approve(session, actor=turn.actor, withdrawal_id=withdrawal_id)
            else:
                await withdrawals.return_money(
                    session, actor=turn.actor, withdrawal_id=withdrawal_id, reason=reason
                )
    except errors.InvalidMove:
        await answers.replace(press, screens.card(turn.t, await _card(turn, withdrawal_id)))
        raise
    await answers.show(press, screens.card(turn.t, await _card(turn, withdrawal_id)))


@router.message(Command("paid"))
async def paid(message: Message, command: CommandObject, turn: Turn) -> None:
    """`/paid 12 wire-0815`: withdrawal 12 was paid outside, under this reference."""
    turn.actor.require_staff(*MODERATORS, action="withdrawal_paid")
    found = arguments.id_and_words(command)
    if found is None:
        await answers.show(message, Outgoing(turn.t("withdrawal-paid-usage")))
        return
    withdrawal_id, reference = found
    try:
        async with turn.begin() as session:
            await withdrawals.mark_paid(
                session,
                actor=turn.actor,
                withdrawal_id=withdrawal_id,
                external_reference=reference,
            )
    except errors.IdempotencyConflict:
        taken = turn.t("withdrawal-reference-taken", id=str(withdrawal_id))
        await answers.show(message, Outgoing(taken))
        return
    await answers.show(message, screens.card(turn.t, await _card(turn, withdrawal_id)))


@router.message(Command("return"))
async def give_back(message: Message, command: CommandObject, turn: Turn) -> None:
    """`/return 12 the bank sent it back`: the money goes back, for a reason in one's own words."""
    turn.actor.require_staff(*MODERATORS, action="withdrawal_return")
    found = arguments.id_and_words(command)
    if found is None:
        await answers.show(message, Outgoing(turn.t("withdrawal-return-usage")))
        return
    withdrawal_id, reason = found
    async with turn.begin() as session:
        await withdrawals.return_money(
            session, actor=turn.actor, withdrawal_id=withdrawal_id, reason=reason
        )
    await answers.show(message, screens.card(turn.t, await _card(turn, withdrawal_id)))
