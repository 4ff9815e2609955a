"""A person's withdrawals: the form that asks how much, and the presses that do not need it."""

import uuid
from typing import Any

from aiogram import F, Router
from aiogram.fsm.state import State, StatesGroup
from aiogram.types import CallbackQuery, Message
from aiogram_dialog import Dialog, DialogManager, Window
from aiogram_dialog.widgets.input import MessageInput

from bot import amounts
from bot.callbacks import FormName, Go, OpenForm, Place, TakeBack, Withdraw
from bot.screens import withdrawals as screens
from bot.screens.outgoing import Outgoing
from bot.screens.paging import FETCH, Page, offset
from bot.turn import Turn
from handlers import answers, forms
from handlers.wallet import wallet_screen
from services import errors, users, withdrawals

router = Router(name="withdraw")
openers = Router(name="withdraw_form")


class WithdrawForm(StatesGroup):
    """One question: how much."""

    amount = State()


async def _mine(turn: Turn, number: int = 0) -> Outgoing:
    async with turn.read() as session:
        found = await withdrawals.of_user(
            session, user_id=turn.user_id, limit=FETCH, offset=offset(number)
        )
    return screens.mine(turn.t, Page(found, number))


@router.callback_query(Go.filter(F.place == Place.WITHDRAWALS))
async def show_mine(press: CallbackQuery, callback_data: Go, turn: Turn) -> None:
    """Show the person's own withdrawals with their state."""
    await answers.show(press, await _mine(turn, callback_data.page))


@router.callback_query(Withdraw.filter())
async def withdraw(press: CallbackQuery, callback_data: Withdraw, turn: Turn) -> None:
    """Set the money aside, once for each button, however often it is pressed."""
    async with turn.begin() as session:
        await withdrawals.request(
            session,
            actor=turn.actor,
            amount=callback_data.amount,
            key=f"press:{turn.user_id}:{callback_data.key}",
        )
    await answers.show(press, await _mine(turn))


@router.callback_query(TakeBack.filter())
async def take_back(press: CallbackQuery, callback_data: TakeBack, turn: Turn) -> None:
    """Take a wish back that nobody has approved yet."""
    try:
        async with turn.begin() as session:
            await withdrawals.cancel(session, actor=turn.actor, withdrawal_id=callback_data.id)
    except errors.InvalidMove:
        await answers.replace(press, await _mine(turn))
        raise
    await answers.show(press, await _mine(turn))


@openers.callback_query(OpenForm.filter(F.name == FormName.WITHDRAW))
async def open_form(press: CallbackQuery, dialog_manager: DialogManager) -> None:  # noqa: ARG001
    """Ask how much."""
    await forms.open_form(dialog_manager, WithdrawForm.amount)


async def _amount(message: Message, _input: MessageInput, manager: DialogManager) -> None:
    turn = forms.turn_of(manager)
    amount = amounts.parse_money(message.text or "", turn.t.currency, turn.t.language)
    if amount is None:
        forms.complain(manager, turn.t("amount-wrong", example=turn.t.money(amounts.EXAMPLE)))
        return
    async with turn.read() as session:
        available = (await users.balances(session, turn.user_id)).available
    if amount > available:
        forms.complain(manager, turn.t("withdraw-too-much", available=turn.t.money(available)))
        return
    await forms.close(manager, screens.sure(turn.t, amount, available, uuid.uuid4().hex))


async def _available(dialog_manager: DialogManager, **_data: Any) -> dict[str, Any]:
    turn = forms.turn_of(dialog_manager)
    async with turn.read() as session:
        available = (await users.balances(session, turn.user_id)).available
    return {"values": {"available": turn.t.money(available)}}


async def _wallet(_manager: DialogManager, turn: Turn) -> Outgoing:
    return await wallet_screen(turn)


form = Dialog(
    Window(
        forms.Ask("withdraw-ask"),
        MessageInput(_amount),
        forms.ways_out(_wallet, first=True),
        state=WithdrawForm.amount,
        getter=_available,
    )
)
