"""Handle the addresses to which a person is paid: the list, the form and the buttons."""

from typing import Any

from aiogram import F, Router
from aiogram.exceptions import TelegramAPIError
from aiogram.fsm.state import State, StatesGroup
from aiogram.types import CallbackQuery, Message
from aiogram_dialog import Dialog, DialogManager
from aiogram_dialog.widgets.input import MessageInput

from bot.callbacks import DestinationAct, FormName, Go, OnDestination, OpenForm, Screen
from bot.context import RequestContext
from bot.screens import destinations as screens
from bot.screens.destinations import Addresses
from bot.screens.outgoing import Outgoing
from db.models.destinations import PayoutMethod
from handlers import forms, respond
from services.money import destinations
from services.money.payout_addresses import AddressFaultError

router = Router(name="destinations")
openers = Router(name="destination_form")


class DestinationForm(StatesGroup):
    """The only step of the form."""

    address = State()


async def read_addresses(context: RequestContext) -> Addresses:
    """Return the person's current addresses for the offered methods, in plain form."""
    offered = context.settings.payout_methods
    if not offered:
        return {}
    encryption = context.settings.encryption
    async with context.read() as session:
        rows = await destinations.of_user(session, context.user_id)
    return {
        row.method: (row, destinations.read(encryption, row))
        for row in rows
        if row.method in offered
    }


async def _list_screen(context: RequestContext, amount: int = 0) -> Outgoing:
    addresses = await read_addresses(context)
    offered = context.settings.payout_methods
    return screens.destinations(context.t, offered, addresses, amount=amount)


@router.callback_query(Go.filter(F.screen == Screen.DESTINATIONS))
async def show_list(press: CallbackQuery, callback_data: Go, context: RequestContext) -> None:
    """Show the offered methods with the person's addresses."""
    await respond.show(press, await _list_screen(context, max(callback_data.id, 0)))


@router.callback_query(OnDestination.filter(F.act == DestinationAct.CONFIRM))
async def confirm(
    press: CallbackQuery, callback_data: OnDestination, context: RequestContext
) -> None:
    """Let the person's withdrawals go to the address that they have read.

    The list then offers to withdraw the amount that was typed before, which the pressed message
    keeps.
    """
    markup = press.message.reply_markup if isinstance(press.message, Message) else None
    lines = markup.inline_keyboard if markup else []
    amount = screens.amount_in([each for line in lines for each in line])
    async with (
        respond.show_result(press, lambda: _list_screen(context, amount)),
        context.begin() as session,
    ):
        await destinations.confirm(session, actor=context.actor, destination_id=callback_data.id)


@router.callback_query(OnDestination.filter(F.act == DestinationAct.DROP))
async def drop(press: CallbackQuery, callback_data: OnDestination, context: RequestContext) -> None:
    """Let nothing go to an address that is wrong, or not the person's."""
    async with (
        respond.show_result(press, lambda: _list_screen(context)),
        context.begin() as session,
    ):
        await destinations.drop(session, actor=context.actor, destination_id=callback_data.id)


@openers.callback_query(OpenForm.filter(F.name == FormName.DESTINATION))
async def open_form(
    press: CallbackQuery,
    callback_data: OpenForm,
    context: RequestContext,
    dialog_manager: DialogManager,
) -> None:
    """Open the form that asks for an address, if its method is still offered."""
    method, amount = screens.read_form(callback_data.id)
    if method not in context.settings.payout_methods:
        await respond.alert(press, context.t("button-stale"))
        return
    await forms.open_form(
        dialog_manager, DestinationForm.address, method=method.value, amount=amount
    )


async def _read_address(message: Message, _input: MessageInput, manager: DialogManager) -> None:
    context, encryption = forms.context_of(manager), forms.context_of(manager).settings.encryption
    try:
        async with context.begin() as session:
            row = await destinations.type_in(
                session,
                encryption,
                actor=context.actor,
                method=_method(manager),
                address=message.text or "",
            )
    except AddressFaultError as error:
        forms.show_error(manager, context.t("destination-wrong", why=error.fault.value))
        return
    start: Any = manager.start_data
    address = destinations.read(encryption, row)
    screen = screens.typed(context.t, row, address, amount=start["amount"])
    try:
        await forms.close_form(manager, screen)
    except TelegramAPIError as error:
        # A lost answer is given later from the database, which must not hold the address.
        error.method = error.method.model_copy(update={"text": ""})
        raise


def _method(manager: DialogManager) -> PayoutMethod:
    start: Any = manager.start_data
    return PayoutMethod(start["method"])


async def _variables(dialog_manager: DialogManager, **_data: Any) -> dict[str, Any]:
    return {"values": {"method": _method(dialog_manager).value}}


async def _after_cancel(_manager: DialogManager, context: RequestContext) -> Outgoing:
    return await _list_screen(context)


form = Dialog(
    forms.text_step(
        "destination-ask",
        _read_address,
        state=DestinationForm.address,
        after_cancel=_after_cancel,
        first=True,
        getter=_variables,
    )
)
