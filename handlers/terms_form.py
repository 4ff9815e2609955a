"""The form of a channel's terms: price, promised hours, topic."""

from typing import Any

from aiogram import F, Router
from aiogram.fsm.state import State, StatesGroup
from aiogram.types import CallbackQuery, Message
from aiogram_dialog import Dialog, DialogManager, Window
from aiogram_dialog.widgets.input import MessageInput

from bot import formatting
from bot.callbacks import FormName, OpenForm
from bot.context import RequestContext
from bot.errors import explain
from bot.screens import channels as screens
from bot.screens.outgoing import Outgoing
from bot.screens.paging import Page
from handlers import forms
from services.market import channels
from services.platform import errors

openers = Router(name="terms_form")


class TermsForm(StatesGroup):
    """The steps, in order."""

    price = State()
    hours = State()
    topic = State()


@openers.callback_query(OpenForm.filter(F.name == FormName.TERMS))
async def open_terms_form(
    press: CallbackQuery,  # noqa: ARG001
    callback_data: OpenForm,
    context: RequestContext,
    dialog_manager: DialogManager,
) -> None:
    """Ask the terms of a channel of one's own."""
    async with context.read() as session:
        await channels.own(session, actor=context.actor, channel_id=callback_data.id)
    await forms.open_form(dialog_manager, TermsForm.price, channel_id=callback_data.id)


async def _price(message: Message, _input: MessageInput, manager: DialogManager) -> None:
    context = forms.turn_of(manager)
    price = formatting.parse_money(message.text or "", context.t.currency, context.t.language)
    if price is None:
        forms.complain(
            manager, context.t("amount-wrong", example=context.t.money(formatting.EXAMPLE))
        )
        return
    manager.dialog_data["price"] = price
    await forms.go_on(manager, TermsForm.hours)


async def _hours(message: Message, _input: MessageInput, manager: DialogManager) -> None:
    context = forms.turn_of(manager)
    text = (message.text or "").strip()
    small = (
        text.isascii() and text.isdecimal() and len(text) <= len(str(channels.MAX_PROMISED_HOURS))
    )
    if not small or int(text) > channels.MAX_PROMISED_HOURS:
        forms.complain(manager, context.t("hours-wrong", most=channels.MAX_PROMISED_HOURS))
        return
    manager.dialog_data["hours"] = int(text)
    await forms.go_on(manager, TermsForm.topic)


async def _topic(message: Message, _input: MessageInput, manager: DialogManager) -> None:
    context = forms.turn_of(manager)
    try:
        async with context.begin() as session:
            row = await channels.set_terms(
                session,
                actor=context.actor,
                channel_id=_channel_id(manager),
                price=manager.dialog_data["price"],
                promised_hours=manager.dialog_data["hours"],
                topic=message.text or "",
            )
    except errors.InvalidText as error:
        forms.complain(manager, explain(context.t, error))
        return
    await forms.close(manager, screens.channel(context.t, row))


def _channel_id(manager: DialogManager) -> int:
    start: Any = manager.start_data
    return int(start["channel_id"])


async def _values(dialog_manager: DialogManager, **_data: Any) -> dict[str, Any]:
    t = forms.turn_of(dialog_manager).t
    return {
        "values": {
            "example": t.money(formatting.EXAMPLE),
            "most": channels.MAX_PROMISED_HOURS,
            "limit": channels.TOPIC_LIMIT,
        }
    }


async def _list(_manager: DialogManager, context: RequestContext) -> Outgoing:
    async with context.read() as session:
        found = await channels.of_owner(session, context.user_id)
    return screens.channels(context.t, Page(found, 0))


form = Dialog(
    Window(
        forms.Ask("terms-price-ask"),
        MessageInput(_price),
        forms.ways_out(_list, first=True),
        state=TermsForm.price,
    ),
    Window(
        forms.Ask("terms-hours-ask"),
        MessageInput(_hours),
        forms.ways_out(_list),
        state=TermsForm.hours,
    ),
    Window(
        forms.Ask("terms-topic-ask"),
        MessageInput(_topic),
        forms.ways_out(_list),
        state=TermsForm.topic,
    ),
    getter=_values,
)
