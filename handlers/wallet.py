"""Handle a person's wallet: the balance, the movements, and the form for a deposit."""

import uuid
from typing import Any

from aiogram import Bot, F, Router
from aiogram.exceptions import TelegramBadRequest
from aiogram.fsm.state import State, StatesGroup
from aiogram.types import CallbackQuery, Message
from aiogram_dialog import Dialog, DialogManager
from aiogram_dialog.widgets.input import MessageInput

from bot import formatting
from bot.callbacks import FormName, Go, OpenForm, Screen
from bot.context import RequestContext
from bot.errors import explain
from bot.screens import wallet as screens
from bot.screens.outgoing import Outgoing
from bot.screens.paging import FETCH_LIMIT, Page, offset
from db.money import STARS
from handlers import error_handlers, forms, respond
from services.money import deposits, invoices, payout_holds, wallets
from services.platform import errors

OFFERED = (10, 25, 50, 100, 250, 500)
"""The amounts that can be chosen by a press, as multiples of the smallest top-up."""

router = Router(name="wallet")
openers = Router(name="top_up_form")


class TopUpForm(StatesGroup):
    """The only step of the form."""

    amount = State()


async def wallet_screen(context: RequestContext) -> Outgoing:
    """Build the screen of the person's wallet."""
    async with context.read_quickly() as session:
        balances = await wallets.balances(session, context.user_id)
        withdrawable = await payout_holds.of_user(
            session, context.user_id, context.settings.payout_terms
        )
    has_methods = bool(context.settings.payout_methods)
    return screens.wallet(context.t, balances, withdrawable, has_methods=has_methods)


@router.callback_query(Go.filter(F.screen == Screen.WALLET))
async def show_wallet(press: CallbackQuery, context: RequestContext) -> None:
    """Show the person's wallet."""
    await respond.show(press, await wallet_screen(context))


@router.callback_query(Go.filter(F.screen == Screen.STATEMENT))
async def show_statement(press: CallbackQuery, callback_data: Go, context: RequestContext) -> None:
    """Show a page of the movements of the person's balance, newest first."""
    async with context.read_quickly() as session:
        rows = await wallets.statement(
            session, user_id=context.user_id, limit=FETCH_LIMIT, offset=offset(callback_data.page)
        )
    await respond.show(press, screens.statement(context.t, Page(rows, callback_data.page)))


@openers.callback_query(OpenForm.filter(F.name == FormName.TOP_UP))
async def open_top_up(press: CallbackQuery, dialog_manager: DialogManager) -> None:  # noqa: ARG001 - a filter
    """Open the form for a deposit."""
    await forms.open_form(dialog_manager, TopUpForm.amount)


async def _offer(dialog_manager: DialogManager, **_data: Any) -> dict[str, Any]:
    """Return the amounts that can be chosen by a press, and an example for the question."""
    context = forms.context_of(dialog_manager)
    least, most = context.settings.top_up_limits
    amounts = [least * each for each in OFFERED if least * each <= most]
    return {
        "values": {
            "example": context.t.money(formatting.EXAMPLE),
            "stars": "yes" if context.t.currency == STARS else "no",
        },
        "amounts": [(str(each), context.t.money(each)) for each in amounts],
    }


async def _choose(press: CallbackQuery, _widget: Any, manager: DialogManager, item_id: str) -> None:
    await _send(manager, press.from_user.id, int(item_id))


async def _top_up(message: Message, _input: MessageInput, manager: DialogManager) -> None:
    amount = await forms.read_amount(message, manager)
    if amount is not None:
        await _send(manager, message.chat.id, amount)


async def _send(manager: DialogManager, chat_id: int, amount: int) -> None:
    """Send the invoice and close the form, or show why there is no invoice."""
    context = forms.context_of(manager)
    bot: Bot = manager.middleware_data["bot"]
    problem = await send_invoice(context, bot, chat_id, amount)
    if problem is not None:
        forms.show_error(manager, problem)
        return
    await forms.close_form(manager, await wallet_screen(context))


async def send_invoice(context: RequestContext, bot: Bot, chat_id: int, amount: int) -> str | None:
    """Send a person the invoice for a deposit. Return None, or the text why none was sent.

    `amount` is in minor units.
    """
    least, most = context.settings.top_up_limits
    if not least <= amount <= most:
        return context.t("top-up-limits", least=context.t.money(least), most=context.t.money(most))
    try:
        async with context.read() as session:
            await deposits.check_payable(
                session, user_id=context.user_id, amount=amount, currency=context.t.currency
            )
    except errors.DomainError as error:
        await error_handlers.record(context, error)
        return explain(context.t, error)
    invoice = screens.invoice(
        context.t,
        chat_id,
        amount,
        invoices.build_payload(context.user_id, amount, context.t.currency, uuid.uuid4().hex),
        context.settings.payment_provider_token.get_secret_value(),
    )
    try:
        await bot(invoice)
    except TelegramBadRequest:
        # Telegram's own bounds follow the exchange rates, and may differ from the settings.
        return context.t("invoice-refused")
    return None


async def wallet_after_cancel(_manager: DialogManager, context: RequestContext) -> Outgoing:
    """Build the screen of the person's wallet for a cancelled form."""
    return await wallet_screen(context)


top_up_form = Dialog(
    forms.text_step(
        "top-up-ask",
        _top_up,
        forms.choices("amounts", _choose, width=3),
        state=TopUpForm.amount,
        after_cancel=wallet_after_cancel,
        first=True,
        getter=_offer,
    )
)
