"""Handle a person's own withdrawals: the form, the list and the buttons."""

import math
import secrets
from datetime import timedelta
from typing import Any

from aiogram import F, Router
from aiogram.fsm.state import State, StatesGroup
from aiogram.types import CallbackQuery, Message
from aiogram_dialog import Dialog, DialogManager
from aiogram_dialog.widgets.input import MessageInput

from bot.callbacks import (
    CancelWithdrawal,
    CancelWithdrawalConfirmed,
    FormName,
    Go,
    OpenForm,
    Screen,
    Withdraw,
    WithdrawTo,
)
from bot.context import RequestContext
from bot.screens import destinations as destination_screens
from bot.screens import withdrawals as screens
from bot.screens.outgoing import Outgoing
from bot.screens.paging import FETCH_LIMIT, Page, offset
from db.models.money import WithdrawalStatus
from handlers import destinations, forms, respond
from handlers.wallet import wallet_after_cancel
from services.money import wallets, withdrawals

router = Router(name="withdraw")
openers = Router(name="withdraw_form")


class WithdrawForm(StatesGroup):
    """The only step of the form."""

    amount = State()


async def _list_screen(context: RequestContext, page_number: int = 0) -> Outgoing:
    async with context.read() as session:
        rows = await withdrawals.of_user(
            session, user_id=context.user_id, limit=FETCH_LIMIT, offset=offset(page_number)
        )
    return screens.own_withdrawals(context.t, Page(rows, page_number))


@router.callback_query(Go.filter(F.screen == Screen.WITHDRAWALS))
async def show_list(press: CallbackQuery, callback_data: Go, context: RequestContext) -> None:
    """Show a page of the person's withdrawals."""
    await respond.show(press, await _list_screen(context, callback_data.page))


@router.callback_query(Withdraw.filter())
async def withdraw(press: CallbackQuery, callback_data: Withdraw, context: RequestContext) -> None:
    """Request a withdrawal without an address. A second press of the same button does nothing.

    If the platform asks for an address now, the bot asks for it instead.
    """
    if context.settings.payout_methods:
        await respond.show(press, await _question(context, callback_data.amount))
    else:
        await _request(press, context, callback_data, None)


@router.callback_query(WithdrawTo.filter())
async def withdraw_to(
    press: CallbackQuery, callback_data: WithdrawTo, context: RequestContext
) -> None:
    """Request a withdrawal to an address. A second press of the same button requests nothing."""
    await _request(press, context, callback_data, callback_data.destination)


async def _request(
    press: CallbackQuery,
    context: RequestContext,
    asked: Withdraw | WithdrawTo,
    destination_id: int | None,
) -> None:
    async with context.begin() as session:
        await withdrawals.request(
            session,
            actor=context.actor,
            amount=asked.amount,
            key=f"press:{context.user_id}:{asked.key}",
            least=context.settings.payout_min,
            destination_id=destination_id,
        )
    await respond.show(press, await _list_screen(context))


@router.callback_query(CancelWithdrawal.filter())
async def ask_to_cancel(
    press: CallbackQuery, callback_data: CancelWithdrawal, context: RequestContext
) -> None:
    """Ask for confirmation before a withdrawal is cancelled."""
    async with context.read() as session:
        withdrawal = await withdrawals.get_own(
            session, actor=context.actor, withdrawal_id=callback_data.id
        )
    if withdrawal.status is WithdrawalStatus.REQUESTED:
        await respond.show(press, screens.confirm_cancel(context.t, withdrawal))
    else:
        await respond.replace(press, await _list_screen(context))
        await respond.alert(press, context.t("withdrawal-moved-on"))


@router.callback_query(CancelWithdrawalConfirmed.filter())
async def cancel(
    press: CallbackQuery, callback_data: CancelWithdrawalConfirmed, context: RequestContext
) -> None:
    """Cancel a withdrawal that no admin has approved yet."""
    async with (
        respond.show_result(press, lambda: _list_screen(context)),
        context.begin() as session,
    ):
        await withdrawals.cancel(session, actor=context.actor, withdrawal_id=callback_data.id)


@openers.callback_query(OpenForm.filter(F.name == FormName.WITHDRAW))
async def open_form(press: CallbackQuery, dialog_manager: DialogManager) -> None:  # noqa: ARG001 - a filter
    """Open the form that asks how much to withdraw."""
    await forms.open_form(dialog_manager, WithdrawForm.amount)


async def _ask_to_confirm(message: Message, _input: MessageInput, manager: DialogManager) -> None:
    context = forms.context_of(manager)
    amount = await forms.read_amount(message, manager)
    if amount is None:
        return
    async with context.read() as session:
        available = (await wallets.balances(session, context.user_id)).available
    t, least = context.t, context.settings.payout_min
    if amount > available:
        forms.show_error(manager, t("withdraw-too-much", available=t.money(available)))
        return
    if amount < least:
        forms.show_error(manager, t("withdraw-too-little", least=t.money(least)))
        return
    await forms.close_form(manager, await _question(context, amount))


async def _question(context: RequestContext, amount: int) -> Outgoing:
    """Build the question whether, and to which address, an amount (minor units) is withdrawn."""
    async with context.read() as session:
        left = (await wallets.balances(session, context.user_id)).available - amount
    days = max(1, math.ceil(context.settings.payout_time / timedelta(days=1)))
    key = secrets.token_hex(10)  # the data of a button has 64 bytes at most
    if not context.settings.payout_methods:
        return screens.confirm_withdrawal(context.t, amount, left, key, days=days)
    addresses = await destinations.read_addresses(context)
    return destination_screens.choose(context.t, amount, left, key, addresses, days=days)


async def _available(dialog_manager: DialogManager, **_data: Any) -> dict[str, Any]:
    context = forms.context_of(dialog_manager)
    async with context.read() as session:
        available = (await wallets.balances(session, context.user_id)).available
    least = context.settings.payout_min
    return {
        "values": {
            "available": context.t.money(available),
            "least": context.t.money(least),
            "limited": "yes" if least > 1 else "no",
            "enough": "yes" if available >= least else "no",
        }
    }


form = Dialog(
    forms.text_step(
        "withdraw-ask",
        _ask_to_confirm,
        state=WithdrawForm.amount,
        after_cancel=wallet_after_cancel,
        first=True,
        getter=_available,
    )
)
