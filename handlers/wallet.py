"""A person's money: balance, statement, and the form that asks what to top up."""

import uuid
from typing import Any

from aiogram import Bot, F, Router
from aiogram.exceptions import TelegramBadRequest
from aiogram.fsm.state import State, StatesGroup
from aiogram.types import CallbackQuery, Message
from aiogram_dialog import Dialog, DialogManager, Window
from aiogram_dialog.widgets.input import MessageInput

from bot import amounts
from bot.callbacks import FormName, Go, OpenForm, Place
from bot.screens import wallet as screens
from bot.screens.outgoing import Outgoing
from bot.screens.paging import FETCH, Page, offset
from bot.turn import Turn
from handlers import answers, forms
from handlers.payments import invoice_payload
from services import payments, users

router = Router(name="wallet")
openers = Router(name="top_up_form")


class TopUpForm(StatesGroup):
    """One question: how much."""

    amount = State()


async def wallet_screen(turn: Turn) -> Outgoing:
    """Read and show the balance."""
    async with turn.read() as session:
        balances = await users.balances(session, turn.user_id)
    return screens.wallet(turn.t, balances)


@router.callback_query(Go.filter(F.place == Place.WALLET))
async def show_wallet(press: CallbackQuery, turn: Turn) -> None:
    """Show the balance."""
    await answers.show(press, await wallet_screen(turn))


@router.callback_query(Go.filter(F.place == Place.STATEMENT))
async def show_statement(press: CallbackQuery, callback_data: Go, turn: Turn) -> None:
    """Show what moved the balance."""
    async with turn.read() as session:
        found = await users.statement(
            session, user_id=turn.user_id, limit=FETCH, offset=offset(callback_data.page)
        )
    await answers.show(press, screens.statement(turn.t, Page(found, callback_data.page)))


@openers.callback_query(OpenForm.filter(F.name == FormName.TOP_UP))
async def open_top_up(press: CallbackQuery, dialog_manager: DialogManager) -> None:  # noqa: ARG001
    """Ask how much."""
    await forms.open_form(dialog_manager, TopUpForm.amount)


async def _amount(message: Message, _input: MessageInput, manager: DialogManager) -> None:
    turn = forms.turn_of(manager)
    bot: Bot = manager.middleware_data["bot"]
    amount = amounts.parse_money(message.text or "", turn.t.currency, turn.t.language)
    if amount is None:
        forms.complain(manager, turn.t("amount-wrong", example=turn.t.money(amounts.EXAMPLE)))
        return
    async with turn.read() as session:
        await payments.check_payable(
            session, user_id=turn.user_id, amount=amount, currency=turn.t.currency
        )
    invoice = screens.invoice(
        turn.t,
        message.chat.id,
        amount,
        invoice_payload(turn.user_id, uuid.uuid4().hex),
        turn.settings.payment_provider_token.get_secret_value(),
    )
    try:
        await bot(invoice)
    except TelegramBadRequest:
        # Telegram has bounds of its own for each currency and does not say them.
        forms.complain(manager, turn.t("invoice-refused"))
        return
    await forms.close(manager, await wallet_screen(turn))


async def _example(dialog_manager: DialogManager, **_data: Any) -> dict[str, Any]:
    return {"values": {"example": forms.turn_of(dialog_manager).t.money(amounts.EXAMPLE)}}


async def _wallet(_manager: DialogManager, turn: Turn) -> Outgoing:
    return await wallet_screen(turn)


top_up_form = Dialog(
    Window(
        forms.Ask("top-up-ask"),
        MessageInput(_amount),
        forms.ways_out(_wallet, first=True),
        state=TopUpForm.amount,
        getter=_example,
    )
)
