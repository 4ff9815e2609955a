"""A person's withdrawals: the form that asks how much, and the presses that do not need it."""

import uuid
from typing import Any

from aiogram import F, Router
from aiogram.fsm.state import State, StatesGroup
from aiogram.types import CallbackQuery, Message
from aiogram_dialog import Dialog, DialogManager, Window
from aiogram_dialog.widgets.input import MessageInput

from bot import formatting
from bot.callbacks import CancelWithdrawal, FormName, Go, OpenForm, Place, Withdraw
from bot.context import RequestContext
from bot.screens import withdrawals as screens
from bot.screens.outgoing import Outgoing
from bot.screens.paging import FETCH, Page, offset
from handlers import forms, respond
from handlers.wallet import wallet_screen
from services.money import wallets, withdrawals
from services.platform import errors

router = Router(name="withdraw")
openers = Router(name="withdraw_form")


class WithdrawForm(StatesGroup):
    """One question: how much."""

    amount = State()


async def _mine(context: RequestContext, number: int = 0) -> Outgoing:
    async with context.read() as session:
        found = await withdrawals.of_user(
            session, user_id=context.user_id, limit=FETCH, offset=offset(number)
        )
    return screens.mine(context.t, Page(found, number))


@router.callback_query(Go.filter(F.place == Place.WITHDRAWALS))
async def show_mine(press: CallbackQuery, callback_data: Go, context: RequestContext) -> None:
    """Show the person's own withdrawals with their state."""
    await respond.show(press, await _mine(context, callback_data.page))


@router.callback_query(Withdraw.filter())
async def withdraw(press: CallbackQuery, callback_data: Withdraw, context: RequestContext) -> None:
    """Set the money aside, once for each button, however often it is pressed."""
    async with context.begin() as session:
        await withdrawals.request(
            session,
            actor=context.actor,
            amount=callback_data.amount,
            key=f"press:{context.user_id}:{callback_data.key}",
        )
    await respond.show(press, await _mine(context))


@router.callback_query(CancelWithdrawal.filter())
async def take_back(
    press: CallbackQuery, callback_data: CancelWithdrawal, context: RequestContext
) -> None:
    """Take a wish back that nobody has approved yet."""
    try:
        async with context.begin() as session:
            await withdrawals.cancel(session, actor=context.actor, withdrawal_id=callback_data.id)
    except errors.InvalidMove:
        await respond.replace(press, await _mine(context))
        raise
    await respond.show(press, await _mine(context))


@openers.callback_query(OpenForm.filter(F.name == FormName.WITHDRAW))
async def open_form(press: CallbackQuery, dialog_manager: DialogManager) -> None:  # noqa: ARG001
    """Ask how much."""
    await forms.open_form(dialog_manager, WithdrawForm.amount)


async def _amount(message: Message, _input: MessageInput, manager: DialogManager) -> None:
    context = forms.turn_of(manager)
    amount = formatting.parse_money(message.text or "", context.t.currency, context.t.language)
    if amount is None:
        forms.complain(
            manager, context.t("amount-wrong", example=context.t.money(formatting.EXAMPLE))
        )
        return
    async with context.read() as session:
        available = (await wallets.balances(session, context.user_id)).available
    if amount > available:
        forms.complain(
            manager, context.t("withdraw-too-much", available=context.t.money(available))
        )
        return
    await forms.close(manager, screens.sure(context.t, amount, available, uuid.uuid4().hex))


async def _available(dialog_manager: DialogManager, **_data: Any) -> dict[str, Any]:
    context = forms.turn_of(dialog_manager)
    async with context.read() as session:
        available = (await wallets.balances(session, context.user_id)).available
    return {"values": {"available": context.t.money(available)}}


async def _wallet(_manager: DialogManager, context: RequestContext) -> Outgoing:
    return await wallet_screen(context)


form = Dialog(
    Window(
        forms.Ask("withdraw-ask"),
        MessageInput(_amount),
        forms.ways_out(_wallet, first=True),
        state=WithdrawForm.amount,
        getter=_available,
    )
)
