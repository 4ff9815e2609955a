"""Handle the form of a channel's price, promised hours and topic."""

from typing import Any

from aiogram import Bot, F, Router
from aiogram.fsm.state import State, StatesGroup
from aiogram.types import CallbackQuery, Message
from aiogram_dialog import Dialog, DialogManager, Window
from aiogram_dialog.widgets.input import MessageInput
from aiogram_dialog.widgets.kbd import Button, Group, Row, Select

from bot import formatting
from bot.callbacks import FormName, OpenForm
from bot.context import RequestContext
from bot.errors import explain
from bot.screens import channels as screens
from bot.screens.outgoing import Outgoing
from bot.screens.paging import Page
from db.models.campaigns import Channel
from handlers import forms
from handlers import managers as manager_handlers
from services.market import agreements, auto_delete, channels, managers, terms
from services.platform import errors
from services.platform.channel_errors import PromiseTooLong

MUCH = 10
"""A new price that is this many times higher or lower than the present one may be a mistake."""
USUAL_HOURS = (24, 48, 72, 0)
USUAL_TOPICS = (
    *("news", "business", "technology", "education"),
    *("entertainment", "food", "travel", "health"),
)
"""The topics that are one press; the owner can type any other."""
openers = Router(name="terms_form")


class TermsForm(StatesGroup):
    """The steps of the form in their order."""

    price = State()
    sure = State()
    hours = State()
    topic = State()


@openers.callback_query(OpenForm.filter(F.name == FormName.TERMS))
async def open_terms_form(
    press: CallbackQuery,  # noqa: ARG001 - a filter
    callback_data: OpenForm,
    context: RequestContext,
    dialog_manager: DialogManager,
) -> None:
    """Open the form for a channel of which the person is the owner or a manager.

    Raises NotChannelOwner.
    """
    async with context.read() as session:
        await managers.get_channel(session, actor=context.actor, channel_id=callback_data.id)
    await forms.open_form(dialog_manager, TermsForm.price, channel_id=callback_data.id)


async def _read_price(message: Message, _input: MessageInput, manager: DialogManager) -> None:
    price = await forms.read_amount(message, manager)
    if price is None:
        return
    context = forms.context_of(manager)
    row = await _channel(context, manager)
    manager.dialog_data.update(price=price, present=row.price)
    differs_much = row.price is not None and (
        price >= row.price * MUCH or price * MUCH <= row.price
    )
    await forms.next_step(manager, TermsForm.sure if differs_much else TermsForm.hours)


async def _confirm_price(_press: CallbackQuery, _button: Button, manager: DialogManager) -> None:
    await forms.next_step(manager, TermsForm.hours)


async def _read_hours(message: Message, _input: MessageInput, manager: DialogManager) -> None:
    context = forms.context_of(manager)
    text = (message.text or "").strip()
    short_number = (
        text.isascii() and text.isdecimal() and len(text) <= len(str(channels.MAX_PROMISED_HOURS))
    )
    if not short_number or int(text) > channels.MAX_PROMISED_HOURS:
        forms.show_error(manager, context.t("hours-wrong", most=channels.MAX_PROMISED_HOURS))
        return
    await _save_hours(manager, int(text))


async def _choose_hours(
    _press: CallbackQuery, _select: Any, manager: DialogManager, item: str
) -> None:
    await _save_hours(manager, int(item))


async def _save_hours(manager: DialogManager, hours: int) -> None:
    context = forms.context_of(manager)
    row = await _channel(context, manager)
    try:
        auto_delete.require(row, hours)
    except PromiseTooLong as error:
        forms.show_error(manager, explain(context.t, error))
        return
    manager.dialog_data["hours"] = hours
    await forms.next_step(manager, TermsForm.topic)


async def _read_topic(message: Message, _input: MessageInput, manager: DialogManager) -> None:
    await _save_terms(manager, message.text or "")


async def _choose_topic(
    _press: CallbackQuery, _select: Any, manager: DialogManager, item: str
) -> None:
    await _save_terms(manager, forms.context_of(manager).t("usual-topic", topic=item))


async def _save_terms(manager: DialogManager, topic: str) -> None:
    context = forms.context_of(manager)
    bot: Bot = manager.middleware_data["bot"]
    await manager_handlers.require_rights(context, bot, _channel_id(manager))
    try:
        async with context.begin() as session:
            row = await channels.set_terms(
                session,
                actor=context.actor,
                channel_id=_channel_id(manager),
                price=manager.dialog_data["price"],
                promised_hours=manager.dialog_data["hours"],
                topic=topic,
            )
    except (errors.InvalidText, PromiseTooLong) as error:
        forms.show_error(manager, explain(context.t, error))
        return
    fee_bps, is_owner = context.settings.platform_fee_bps, row.owner_id == context.user_id
    await forms.close_form(manager, screens.channel(context.t, row, fee_bps, is_owner=is_owner))


async def _channel(context: RequestContext, manager: DialogManager) -> Channel:
    async with context.read() as session:
        return await managers.get_channel(
            session, actor=context.actor, channel_id=_channel_id(manager)
        )


def _channel_id(manager: DialogManager) -> int:
    start: Any = manager.start_data
    return int(start["channel_id"])


async def _examples_and_limits(dialog_manager: DialogManager, **_data: Any) -> dict[str, Any]:
    context = forms.context_of(dialog_manager)
    t, typed = context.t, dialog_manager.dialog_data
    price = typed.get("price", 0)
    shares = terms.share(price, context.settings.platform_fee_bps)
    return {
        "values": {
            "price": t.money(price),
            "share": t.money(shares.owner),
            "fee": t.money(shares.fee),
            "present": t.money(typed.get("present") or 0),
            "example": t.money(formatting.EXAMPLE),
            "most": channels.MAX_PROMISED_HOURS,
            "limit": channels.TOPIC_LIMIT,
        },
        "hours": [(hours, t("hours", hours=hours)) for hours in USUAL_HOURS],
        "topics": [(topic, t("usual-topic", topic=topic)) for topic in USUAL_TOPICS],
    }


async def _channel_list(_manager: DialogManager, context: RequestContext) -> Outgoing:
    async with context.read() as session:
        rows = await channels.of_owner(session, context.user_id)
        managed = await managers.channels_of(session, context.user_id)
        waiting = await agreements.count_waiting(session, context.user_id)
    return screens.channels(context.t, Page(rows, 0), waiting, managed)


def _choices(items: str, on_click: Any) -> Group:
    """Make buttons for the usual answers of a step, two in a row."""
    select = Select(
        forms.ItemLabel(),
        id=items,
        item_id_getter=lambda item: item[0],
        items=items,
        on_click=on_click,
    )
    return Group(select, width=2)


form = Dialog(
    forms.text_step(
        "terms-price-ask",
        _read_price,
        state=TermsForm.price,
        after_cancel=_channel_list,
        first=True,
    ),
    Window(
        forms.Question("terms-price-sure"),
        Row(Button(forms.Translated("terms-price-yes"), "yes", on_click=_confirm_price)),
        forms.navigation_row(_channel_list),
        state=TermsForm.sure,
    ),
    forms.text_step(
        "terms-hours-ask",
        _read_hours,
        _choices("hours", _choose_hours),
        state=TermsForm.hours,
        after_cancel=_channel_list,
        back_to=TermsForm.price,
    ),
    forms.text_step(
        "terms-topic-ask",
        _read_topic,
        _choices("topics", _choose_topic),
        state=TermsForm.topic,
        after_cancel=_channel_list,
    ),
    getter=_examples_and_limits,
)
