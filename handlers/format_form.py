"""Handle the forms in which an owner changes the price of a format, or a channel's topic."""

from typing import Any

from aiogram import Bot, F, Router
from aiogram.fsm.state import State, StatesGroup
from aiogram.types import CallbackQuery, Message
from aiogram_dialog import Dialog, DialogManager, Window
from aiogram_dialog.widgets.input import MessageInput
from aiogram_dialog.widgets.kbd import Button, Row

from bot import formatting
from bot.callbacks import FormName, OpenForm
from bot.context import RequestContext
from bot.screens.outgoing import Outgoing
from handlers import formats as format_handlers
from handlers import forms, respond, terms_form
from handlers import managers as manager_handlers
from services.market import format_changes, formats, managers, terms

openers = Router(name="format_form")


class PriceForm(StatesGroup):
    """The steps of the form of a price. A price that differs much is asked in other words."""

    price = State()
    right = State()
    sure = State()


class TopicForm(StatesGroup):
    """The only step of the form of a topic."""

    topic = State()


@openers.callback_query(OpenForm.filter(F.name == FormName.FORMAT_PRICE))
async def open_price_form(
    press: CallbackQuery,
    callback_data: OpenForm,
    context: RequestContext,
    dialog_manager: DialogManager,
) -> None:
    """Open the form for a format, or the list if the channel does not sell the format any more.

    Raises NotFound, NotChannelOwner.
    """
    async with context.read() as session:
        row = await format_changes.get_own(session, actor=context.actor, format_id=callback_data.id)
    if row.retired_at is not None:
        await respond.show(press, await format_handlers.list_screen(context, row.channel_id))
        return
    await forms.open_form(
        dialog_manager,
        PriceForm.price,
        channel_id=row.channel_id,
        kind=list(formats.terms_of(row).kind),
        present=row.price,
    )


@openers.callback_query(OpenForm.filter(F.name == FormName.TOPIC))
async def open_topic_form(
    press: CallbackQuery,  # noqa: ARG001 - a filter
    callback_data: OpenForm,
    context: RequestContext,
    dialog_manager: DialogManager,
) -> None:
    """Open the form for a channel that the person owns or manages. Raises NotChannelOwner."""
    async with context.read() as session:
        await managers.get_channel(session, actor=context.actor, channel_id=callback_data.id)
    await forms.open_form(dialog_manager, TopicForm.topic, channel_id=callback_data.id)


async def _read_price(message: Message, _input: MessageInput, manager: DialogManager) -> None:
    price = await forms.read_amount(message, manager)
    if price is None:
        return
    manager.dialog_data["price"] = price
    present = terms_form.start(manager)["present"]
    differs_much = terms_form.differs_much(price, present)
    await forms.next_step(manager, PriceForm.sure if differs_much else PriceForm.right)


async def _save_price(_press: CallbackQuery, _button: Button, manager: DialogManager) -> None:
    context, channel_id = forms.context_of(manager), terms_form.channel_id(manager)
    chosen = terms_form.read_terms(manager.dialog_data["price"], terms_form.start(manager)["kind"])
    await _require_rights(manager)
    async with context.begin() as session:
        await format_changes.put(session, actor=context.actor, channel_id=channel_id, terms=chosen)
    await forms.close_form(manager, await _format_list(manager, context))


async def _read_topic(message: Message, _input: MessageInput, manager: DialogManager) -> None:
    topic = terms_form.read_topic(message, manager)
    if topic is not None:
        await _save_topic(manager, topic)


async def _choose_topic(
    _press: CallbackQuery, _select: Any, manager: DialogManager, item: str
) -> None:
    await _save_topic(manager, item)


async def _save_topic(manager: DialogManager, topic: str) -> None:
    context, channel_id = forms.context_of(manager), terms_form.channel_id(manager)
    await _require_rights(manager)
    async with context.begin() as session:
        await format_changes.set_topic(
            session, actor=context.actor, channel_id=channel_id, topic=topic
        )
    await forms.close_form(manager, await _format_list(manager, context))


async def _require_rights(manager: DialogManager) -> None:
    bot: Bot = manager.middleware_data["bot"]
    await manager_handlers.require_rights(
        forms.context_of(manager), bot, terms_form.channel_id(manager)
    )


async def _prices(dialog_manager: DialogManager, **_data: Any) -> dict[str, Any]:
    context = forms.context_of(dialog_manager)
    t, price = context.t, dialog_manager.dialog_data.get("price", 0)
    shares = terms.share(price, context.settings.platform_fee_bps)
    return {
        "values": {
            "present": t.money(terms_form.start(dialog_manager)["present"]),
            "price": t.money(price),
            "share": t.money(shares.owner),
            "fee": t.money(shares.fee),
            "example": t.money(formatting.EXAMPLE),
        }
    }


async def _format_list(manager: DialogManager, context: RequestContext) -> Outgoing:
    return await format_handlers.list_screen(context, terms_form.channel_id(manager))


def _price_question(question: forms.Question, state: State) -> Window:
    return Window(
        question,
        Row(Button(forms.Translated("terms-price-yes"), "yes", on_click=_save_price)),
        forms.navigation_row(_format_list, back_to=PriceForm.price),
        state=state,
    )


price_form = Dialog(
    forms.text_step(
        "format-price-ask",
        _read_price,
        state=PriceForm.price,
        after_cancel=_format_list,
        first=True,
    ),
    _price_question(forms.Question("format-price-sure"), PriceForm.right),
    _price_question(forms.Question("terms-price-sure"), PriceForm.sure),
    getter=_prices,
)
topic_form = Dialog(
    forms.text_step(
        "terms-topic-ask",
        _read_topic,
        forms.choices("topics", _choose_topic, width=3),
        state=TopicForm.topic,
        after_cancel=_format_list,
        first=True,
        getter=terms_form.topic_choices,
    ),
)
