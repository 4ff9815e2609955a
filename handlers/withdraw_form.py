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
from bot.errors import explain
from bot.payout_callbacks import WithdrawWithFee
from bot.screens import destinations as destination_screens
from bot.screens import withdrawals as screens
from bot.screens.outgoing import Outgoing
from bot.screens.paging import FETCH_LIMIT, Page, offset
from bot.screens.withdraw_question import AskedWithdrawal
from db.models.money import WithdrawalStatus
from handlers import destinations, forms, respond
from handlers.wallet import wallet_after_cancel
from services.money import fees, payout_holds, wallets, withdrawals
from services.money.payout_holds import Withdrawable
from services.platform.payout_errors import FeeChanged, NotYetWithdrawable

router = Router(name="withdraw")
openers = Router(name="withdraw_form")


class WithdrawForm(StatesGroup):
    """The only step of the form."""

    amount = State()


async def _list_screen(context: RequestContext, page_number: int = 0) -> Outgoing:
    async with context.read_quickly() as session:
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
    asked = callback_data
    if context.settings.payout_methods:
        await respond.show(press, await _question(context, asked.amount))
    else:
        await _request(press, context, asked.amount, asked.key, fee=0, destination_id=None)


@router.callback_query(WithdrawTo.filter())
async def withdraw_to(
    press: CallbackQuery, callback_data: WithdrawTo, context: RequestContext
) -> None:
    """Request a withdrawal to an address. A second press of the same button requests nothing."""
    asked = callback_data
    await _request(press, context, asked.amount, asked.key, fee=0, destination_id=asked.destination)


@router.callback_query(WithdrawWithFee.filter())
async def withdraw_with_fee(
    press: CallbackQuery, callback_data: WithdrawWithFee, context: RequestContext
) -> None:
    """Request a withdrawal with a fee. A second press of the same button requests nothing.

    If the platform asks for an address now, and the button has none, the bot asks for it instead.
    """
    asked = callback_data
    if context.settings.payout_methods and not asked.destination:
        await respond.show(press, await _question(context, asked.amount))
        return
    await _request(
        press,
        context,
        asked.amount,
        asked.key,
        fee=fees.fee_of(asked.amount, asked.fee_bps),
        destination_id=asked.destination or None,
    )


async def _request(
    press: CallbackQuery,
    context: RequestContext,
    amount: int,
    key: str,
    *,
    fee: int,
    destination_id: int | None,
) -> None:
    """Request a withdrawal with the fee (minor units) that the person has read.

    If the operators have changed the fee since then, the person is asked again.
    """
    try:
        async with context.begin() as session:
            await withdrawals.request(
                session,
                actor=context.actor,
                amount=amount,
                key=f"press:{context.user_id}:{key}",
                terms=context.settings.payout_terms,
                agreed_fee=fee,
                destination_id=destination_id,
            )
    except FeeChanged as refusal:
        await respond.replace(press, await _question(context, amount))
        await respond.alert(press, explain(context.t, refusal))
        return
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
async def open_form(
    press: CallbackQuery,
    callback_data: OpenForm,
    context: RequestContext,
    dialog_manager: DialogManager,
) -> None:
    """Open the form that asks how much to withdraw, or take the amount of the button."""
    amount = callback_data.id
    if amount > 0 and await _find_problem(context, amount) is None:
        await respond.show(press, await _question(context, amount))
    else:
        await forms.open_form(dialog_manager, WithdrawForm.amount)


async def _ask_to_confirm(message: Message, _input: MessageInput, manager: DialogManager) -> None:
    context = forms.context_of(manager)
    amount = await forms.read_amount(message, manager)
    if amount is None:
        return
    problem = await _find_problem(context, amount)
    if problem is not None:
        forms.show_error(manager, problem)
        return
    await forms.close_form(manager, await _question(context, amount))


async def _find_problem(context: RequestContext, amount: int) -> str | None:
    """Return a text about why an amount (minor units) can't be withdrawn now, or None."""
    async with context.read() as session:
        available = (await wallets.balances(session, context.user_id)).available
    free = await _withdrawable(context)
    t, least = context.t, context.settings.payout_min
    if amount > available:
        return t("withdraw-too-much", available=t.money(available))
    if amount < least:
        return t("withdraw-too-little", least=t.money(least))
    until = free.when(amount)
    if until is None:
        return None
    return explain(t, NotYetWithdrawable(amount, free.now, until, t.currency))


async def _withdrawable(context: RequestContext) -> Withdrawable:
    async with context.read() as session:
        return await payout_holds.of_user(session, context.user_id, context.settings.payout_terms)


async def _question(context: RequestContext, amount: int) -> Outgoing:
    """Build the question whether, and to which address, an amount (minor units) is withdrawn."""
    settings = context.settings
    async with context.read() as session:
        left = (await wallets.balances(session, context.user_id)).available - amount
    asked = AskedWithdrawal(
        amount,
        fee=settings.payout_terms.fee(amount),
        fee_bps=settings.payout_fee_bps,
        left=left,
        key=secrets.token_hex(7),  # the data of a button has 64 bytes at most
        days=max(1, math.ceil(settings.payout_time / timedelta(days=1))),
    )
    if not settings.payout_methods:
        return screens.confirm_withdrawal(context.t, asked)
    addresses = await destinations.read_addresses(context)
    return destination_screens.choose(context.t, asked, addresses)


async def _available(dialog_manager: DialogManager, **_data: Any) -> dict[str, Any]:
    context = forms.context_of(dialog_manager)
    available = (await _withdrawable(context)).now
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
