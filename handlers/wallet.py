"""A person's money: balance, statement, and the form that asks what to top up."""

import uuid
from typing import Any

from aiogram import Bot, F, Router
from aiogram.exceptions import TelegramBadRequest
from aiogram.fsm.state import State, StatesGroup
from aiogram.types import CallbackQuery, Message
from aiogram_dialog import Dialog, DialogManager, Window
from aiogram_dialog.widgets.input import MessageInput

from bot import formatting
from bot.callbacks import FormName, Go, OpenForm, Place
from bot.context import RequestContext
from bot.screens import wallet as screens
from bot.screens.outgoing import Outgoing
from bot.screens.paging import FETCH, Page, offset
from handlers import forms, respond
from handlers.payments import invoice_payload
from services.money import deposits, wallets

router = Router(name="wallet")
openers = Router(name="top_up_form")


class TopUpForm(StatesGroup):
    """One question: how much."""

    amount = State()


async def wallet_screen(context: RequestContext) -> Outgoing:
    """Read and show the balance."""
    async with context.read() as session:
        balances = await wallets.balances(session, context.user_id)
    return screens.wallet(context.t, balances)


@router.callback_query(Go.filter(F.place == Place.WALLET))
async def show_wallet(press: CallbackQuery, context: RequestContext) -> None:
    """Show the balance."""
    await respond.show(press, await wallet_screen(context))


@router.callback_query(Go.filter(F.place == Place.STATEMENT))
async def show_statement(press: CallbackQuery, callback_data: Go, context: RequestContext) -> None:
    """Show what moved the balance."""
    async with context.read() as session:
        found = await wallets.statement(
            session, user_id=context.user_id, limit=FETCH, offset=offset(callback_data.page)
        )
    await respond.show(press, screens.statement(context.t, Page(found, callback_data.page)))


@openers.callback_query(OpenForm.filter(F.name == FormName.TOP_UP))
async def open_top_up(press: CallbackQuery, dialog_manager: DialogManager) -> None:  # noqa: ARG001
    """Ask how much."""
    await forms.open_form(dialog_manager, TopUpForm.amount)


async def _amount(message: Message, _input: MessageInput, manager: DialogManager) -> None:
    context = forms.turn_of(manager)
    bot: Bot = manager.middleware_data["bot"]
    amount = formatting.parse_money(message.text or "", context.t.currency, context.t.language)
    if amount is None:
        forms.complain(
            manager, context.t("amount-wrong", example=context.t.money(formatting.EXAMPLE))
        )
        return
    async with context.read() as session:
        await deposits.check_payable(
            session, user_id=context.user_id, amount=amount, currency=context.t.currency
        )
    invoice = screens.invoice(
        context.t,
        message.chat.id,
        amount,
        invoice_payload(context.user_id, uuid.uuid4().hex),
        context.settings.payment_provider_token.get_secret_value(),
    )
    try:
        await bot(invoice)
    except TelegramBadRequest:
        # Telegram has bounds of its own for each currency and does not say them.
        forms.complain(manager, context.t("invoice-refused"))
        return
    await forms.close(manager, await wallet_screen(context))


async def _example(dialog_manager: DialogManager, **_data: Any) -> dict[str, Any]:
    return {"values": {"example": forms.turn_of(dialog_manager).t.money(formatting.EXAMPLE)}}


async def _wallet(_manager: DialogManager, context: RequestContext) -> Outgoing:
    return await wallet_screen(context)


top_up_form = Dialog(
    Window(
        forms.Ask("top-up-ask"),
        MessageInput(_amount),
        forms.ways_out(_wallet, first=True),
        state=TopUpForm.amount,
        getter=_example,
    )
)
