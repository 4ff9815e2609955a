"""Handle the form in which an owner offers a channel, or one more format of posts in it."""

from collections.abc import Sequence
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
from bot.errors import explain
from bot.screens import channels as screens
from bot.screens import formats as format_screens
from bot.screens.outgoing import Outgoing
from bot.screens.paging import Page
from bot.texts import in_all_languages
from db.models.campaigns import Channel
from db.models.formats import Ending
from handlers import formats as format_handlers
from handlers import forms, respond
from handlers import managers as manager_handlers
from services.market import (
    agreements,
    auto_delete,
    channels,
    format_changes,
    formats,
    managers,
    topics,
)
from services.market import terms as market_terms
from services.market.terms import Kind, Terms
from services.platform.channel_errors import PromiseTooLong

MUCH = 10
"""A new price that is this many times higher or lower than the present one may be a mistake."""
USUAL_FORMATS = (
    *(Kind(24, 1, Ending.REMOVED), Kind(48, 2), Kind(72, 3)),
    Kind(formats.ENDLESS_HOURS, 0, Ending.ENDLESS),
)
"""The formats that are one press; the owner can type the hours of any other."""
openers = Router(name="terms_form")


class TermsForm(StatesGroup):
    """The steps of the form in their order. Without `topic`, one more format is added."""

    price = State()
    sure = State()
    hours = State()
    removal = State()
    topic = State()


@openers.callback_query(OpenForm.filter(F.name.in_({FormName.TERMS, FormName.FORMAT})))
async def open_terms_form(
    press: CallbackQuery,
    callback_data: OpenForm,
    context: RequestContext,
    dialog_manager: DialogManager,
) -> None:
    """Open the form for a channel of which the person is the owner or a manager.

    A channel that sells a format already gets one more. An old button for its terms shows the list.
    Raises NotChannelOwner.
    """
    async with context.read() as session:
        row = await managers.get_channel(session, actor=context.actor, channel_id=callback_data.id)
    adds = row.price is not None
    if adds and callback_data.name is FormName.TERMS:
        await respond.show(press, await format_handlers.list_screen(context, row.id))
        return
    await forms.open_form(dialog_manager, TermsForm.price, channel_id=row.id, adds=adds)


async def _read_price(message: Message, _input: MessageInput, manager: DialogManager) -> None:
    price = await forms.read_amount(message, manager)
    if price is None:
        return
    context = forms.context_of(manager)
    row = await _channel(context, manager)
    manager.dialog_data.update(price=price, present=row.price)
    await forms.next_step(
        manager, TermsForm.sure if differs_much(price, row.price) else TermsForm.hours
    )


def differs_much(price: int, present: int | None) -> bool:
    """Return whether a price is so far from the present one that it may be a mistake."""
    return present is not None and (price >= present * MUCH or price * MUCH <= present)


async def _confirm_price(_press: CallbackQuery, _button: Button, manager: DialogManager) -> None:
    await forms.next_step(manager, TermsForm.hours)


async def _read_hours(message: Message, _input: MessageInput, manager: DialogManager) -> None:
    typed = formatting.parse_hours(message.text or "", most=market_terms.MAX_PROMISED_HOURS)
    if typed is None:
        t = forms.context_of(manager).t
        forms.show_error(manager, t("hours-wrong", most=market_terms.MAX_PROMISED_HOURS))
        return
    on_top, hours = typed
    await _save_kind(manager, Kind(hours, on_top))


async def _read_removal_hours(
    message: Message, _input: MessageInput, manager: DialogManager
) -> None:
    typed = formatting.parse_hours(message.text or "", most=market_terms.MAX_REMOVABLE_HOURS)
    if typed is None:
        t = forms.context_of(manager).t
        forms.show_error(manager, t("removal-hours-wrong", most=market_terms.MAX_REMOVABLE_HOURS))
        return
    on_top, hours = typed
    await _save_kind(manager, Kind(hours, on_top, Ending.REMOVED))


async def _ask_removal(_press: CallbackQuery, _button: Button, manager: DialogManager) -> None:
    await forms.next_step(manager, TermsForm.removal)


async def _removal_limit(**_data: Any) -> dict[str, Any]:
    return {"values": {"most": market_terms.MAX_REMOVABLE_HOURS}}


async def _choose_format(
    _press: CallbackQuery, _select: Any, manager: DialogManager, item: str
) -> None:
    await _save_kind(manager, USUAL_FORMATS[int(item)])


async def _save_kind(manager: DialogManager, kind: Kind) -> None:
    context = forms.context_of(manager)
    row = await _channel(context, manager)
    try:
        auto_delete.require(row, kind.promised_hours)
    except PromiseTooLong as error:
        forms.show_error(manager, explain(context.t, error))
        return
    if not start(manager).get("adds"):
        # The previous release, which may go on with this form, reads `hours` alone.
        manager.dialog_data.update(hours=kind.promised_hours, kind=list(kind))
        await forms.next_step(manager, TermsForm.topic)
        return
    bot: Bot = manager.middleware_data["bot"]
    await manager_handlers.require_rights(context, bot, channel_id(manager))
    terms = Terms(manager.dialog_data["price"], *kind)
    async with context.begin() as session:
        await format_changes.put(
            session, actor=context.actor, channel_id=channel_id(manager), terms=terms
        )
    await forms.close_form(manager, await format_handlers.list_screen(context, channel_id(manager)))


async def _read_topic(message: Message, _input: MessageInput, manager: DialogManager) -> None:
    topic = read_topic(message, manager)
    if topic is not None:
        await _save_terms(manager, topic)


async def _choose_topic(
    _press: CallbackQuery, _select: Any, manager: DialogManager, item: str
) -> None:
    await _save_terms(manager, item)


def read_topic(message: Message, manager: DialogManager) -> str | None:
    """Return the topic whose name a person typed. Returns None and shows the error for others."""
    typed = (message.text or "").strip().lower()
    for topic in topics.TOPICS:
        if typed in {name.lower() for name in in_all_languages("topic", topic=topic)}:
            return topic
    forms.show_error(manager, forms.context_of(manager).t("topic-wrong"))
    return None


async def _save_terms(manager: DialogManager, topic: str) -> None:
    context = forms.context_of(manager)
    typed = manager.dialog_data
    terms = read_terms(typed["price"], typed.get("kind", (typed["hours"], 0, Ending.LEFT)))
    bot: Bot = manager.middleware_data["bot"]
    await manager_handlers.require_rights(context, bot, channel_id(manager))
    try:
        async with context.begin() as session:
            row = await channels.set_terms(
                session,
                actor=context.actor,
                channel_id=channel_id(manager),
                topic=topic,
                **terms._asdict(),
            )
            offered = await formats.of_channel(session, row.id)
    except PromiseTooLong as error:
        forms.show_error(manager, explain(context.t, error))
        return
    fee_bps, is_owner = context.settings.platform_fee_bps, row.owner_id == context.user_id
    await forms.close_form(
        manager, screens.channel(context.t, row, offered, fee_bps, is_owner=is_owner)
    )


async def _channel(context: RequestContext, manager: DialogManager) -> Channel:
    async with context.read() as session:
        return await managers.get_channel(
            session, actor=context.actor, channel_id=channel_id(manager)
        )


def read_terms(price: int, stored_kind: Sequence[Any]) -> Terms:
    """Return terms with a price (minor units), from a `Kind` that a form has stored as a list."""
    hours, on_top, ending = stored_kind
    return Terms(price, hours, on_top, Ending(ending))


def channel_id(manager: DialogManager) -> int:
    """Return the id of the channel for which a form was opened."""
    return int(start(manager)["channel_id"])


def start(manager: DialogManager) -> dict[str, Any]:
    """Return what `forms.open_form` was given."""
    data: Any = manager.start_data
    return dict(data)


async def _examples_and_limits(dialog_manager: DialogManager, **_data: Any) -> dict[str, Any]:
    context = forms.context_of(dialog_manager)
    t, typed = context.t, dialog_manager.dialog_data
    price = typed.get("price", 0)
    shares = market_terms.share(price, context.settings.platform_fee_bps)
    return {
        "values": {
            "price": t.money(price),
            "share": t.money(shares.owner),
            "fee": t.money(shares.fee),
            "present": t.money(typed.get("present") or 0),
            "example": t.money(formatting.EXAMPLE),
            "most": market_terms.MAX_PROMISED_HOURS,
        },
        "formats": [
            (number, format_screens.usual(t, kind)) for number, kind in enumerate(USUAL_FORMATS)
        ],
    }


async def topic_choices(dialog_manager: DialogManager, **_data: Any) -> dict[str, Any]:
    """Return the topics of the fixed list, as data for a step."""
    t = forms.context_of(dialog_manager).t
    return {"topics": [(topic, t("topic", topic=topic)) for topic in topics.TOPICS]}


async def _after_cancel(manager: DialogManager, context: RequestContext) -> Outgoing:
    if start(manager).get("adds"):
        return await format_handlers.list_screen(context, channel_id(manager))
    async with context.read() as session:
        rows = await channels.of_owner(session, context.user_id)
        managed = await managers.channels_of(session, context.user_id)
        waiting = await agreements.count_waiting(session, context.user_id)
    return screens.channels(context.t, Page(rows, 0), waiting, managed)


form = Dialog(
    forms.text_step(
        "terms-price-ask",
        _read_price,
        state=TermsForm.price,
        after_cancel=_after_cancel,
        first=True,
    ),
    Window(
        forms.Question("terms-price-sure"),
        Row(Button(forms.Translated("terms-price-yes"), "yes", on_click=_confirm_price)),
        forms.navigation_row(_after_cancel),
        state=TermsForm.sure,
    ),
    forms.text_step(
        "terms-hours-ask",
        _read_hours,
        forms.choices("formats", _choose_format, width=1),
        Row(Button(forms.Translated("format-removal"), "removal", on_click=_ask_removal)),
        state=TermsForm.hours,
        after_cancel=_after_cancel,
        back_to=TermsForm.price,
    ),
    forms.text_step(
        "format-removal-ask",
        _read_removal_hours,
        state=TermsForm.removal,
        after_cancel=_after_cancel,
        getter=_removal_limit,
    ),
    forms.text_step(
        "terms-topic-ask",
        _read_topic,
        forms.choices("topics", _choose_topic, width=3),
        state=TermsForm.topic,
        after_cancel=_after_cancel,
        back_to=TermsForm.hours,
        getter=topic_choices,
    ),
    getter=_examples_and_limits,
)
