"""Handle the changes of pending placements: owners ask for them, and advertisers make them."""

from datetime import datetime
from typing import Any

from aiogram import Bot, F, Router
from aiogram.fsm.state import State, StatesGroup
from aiogram.types import CallbackQuery, Message
from aiogram_dialog import Dialog, DialogManager, Window
from aiogram_dialog.widgets.input import MessageInput
from aiogram_dialog.widgets.kbd import Button, Group

from bot import formatting
from bot.context import RequestContext
from bot.owner_callbacks import (
    AcceptChange,
    AskFormat,
    ChangeAct,
    ChangeForm,
    OnChange,
    OpenChangeForm,
)
from bot.screens import offers as screens
from bot.screens.outgoing import Outgoing
from handlers import ad_input, album_input, forms, offers, respond, time_choice
from handlers import placements as placement_handlers
from handlers.ad_fields import AdFields, preview_facts
from handlers.time_choice import TimeSteps
from services.market import change_requests, formats, moderation, placement_versions, placements

router = Router(name="changes")
openers = Router(name="change_forms")


class AskForm(StatesGroup):
    """The steps with which an owner asks for a change. Each way of asking has its own step."""

    words = State()
    price = State()
    zone = State()
    time = State()
    month = State()
    hour = State()


class EditForm(StatesGroup):
    """The steps with which an advertiser changes the ad of a placement.

    The form begins with the preview, or with the step `ad` if Telegram refuses the present ad.
    """

    preview = State()
    ad = State()
    album = State()
    button_text = State()
    button_url = State()
    text = State()
    file = State()
    link_preview = State()


@router.callback_query(OnChange.filter(F.act == ChangeAct.ASK))
async def ask_what(press: CallbackQuery, callback_data: OnChange, context: RequestContext) -> None:
    """Ask an owner what should be different, if the placement still waits for the answer."""
    row, record = await offers.read(context, callback_data.id)
    if row.waits_for_owner:
        async with context.read() as session:
            sold = await formats.of_channel(session, row.channel_id)
        screen = screens.changes(context.t, row, record, has_formats=len(sold) > 1)
        await respond.show(press, screen)
    else:
        await respond.show(press, screens.question(context.t, row, record, with_ad=False))


@router.callback_query(OnChange.filter(F.act == ChangeAct.FORMATS))
async def show_formats(
    press: CallbackQuery, callback_data: OnChange, context: RequestContext
) -> None:
    """Show the formats that the channel sells, so that an owner asks for one of them."""
    row, record = await offers.read(context, callback_data.id)
    async with context.read() as session:
        sold = await formats.of_channel(session, row.channel_id)
    await respond.show(press, screens.formats_to_ask(context.t, row, record, sold))


@router.callback_query(AskFormat.filter())
async def ask_format(
    press: CallbackQuery, callback_data: AskFormat, context: RequestContext, bot: Bot
) -> None:
    """Ask the advertiser to buy another format of the channel."""
    await offers.require_rights(context, bot, callback_data.id)
    async with (
        respond.show_result(press, lambda: offers.card_screen(context, callback_data.id)),
        context.begin() as session,
    ):
        await change_requests.ask_as_owner(
            session,
            actor=context.actor,
            target_id=callback_data.id,
            version=callback_data.version,
            format_id=callback_data.format_id,
        )


@router.callback_query(AcceptChange.filter())
async def accept(
    press: CallbackQuery, callback_data: AcceptChange, context: RequestContext
) -> None:
    """Give the person's placement the price, format or time for which the owner has asked."""
    async with (
        respond.show_result(press, lambda: placement_handlers.screen(context, callback_data.id)),
        context.begin() as session,
    ):
        await placement_versions.accept_request(
            session,
            actor=context.actor,
            target_id=callback_data.id,
            version=callback_data.version,
            request_id=callback_data.request_id,
            publish_ahead=context.settings.publish_ahead,
            answer_time=context.settings.owner_answer,
        )


@openers.callback_query(
    OpenChangeForm.filter(F.name.in_({ChangeForm.WORDS, ChangeForm.PRICE, ChangeForm.TIME}))
)
async def open_ask_form(
    press: CallbackQuery,  # noqa: ARG001 - a filter
    callback_data: OpenChangeForm,
    context: RequestContext,
    dialog_manager: DialogManager,
) -> None:
    """Open the form for a placement in one of the person's own channels. Raises NotFound."""
    row, _ = await offers.read(context, callback_data.id)
    steps = {
        ChangeForm.WORDS: AskForm.words,
        ChangeForm.PRICE: AskForm.price,
        ChangeForm.TIME: _time_steps.first(context),
    }
    await forms.open_form(
        dialog_manager,
        steps[callback_data.name],
        target_id=callback_data.id,
        version=callback_data.version,
        channel_id=row.channel_id,
        on_top=row.hours_on_top,
    )


async def _read_words(message: Message, _input: MessageInput, manager: DialogManager) -> None:
    await _ask(manager, words=message.text or "")


async def _read_price(message: Message, _input: MessageInput, manager: DialogManager) -> None:
    price = await forms.read_amount(message, manager)
    if price is not None:
        await _ask(manager, price=price)


async def _save_time(manager: DialogManager, at: datetime) -> None:
    await _ask(manager, publish_at=at)


async def _ask(manager: DialogManager, **change: Any) -> None:
    """Ask the advertiser for a change, and show the question about the ad again."""
    context = forms.context_of(manager)
    target_id, version = _placement(manager)
    bot: Bot = manager.middleware_data["bot"]
    await offers.require_rights(context, bot, target_id)
    async with context.begin() as session:
        await change_requests.ask_as_owner(
            session,
            actor=context.actor,
            target_id=target_id,
            version=version,
            publish_ahead=context.settings.publish_ahead,
            **change,
        )
    await forms.close_form(manager, await offers.card_screen(context, target_id))


def _placement(manager: DialogManager) -> tuple[int, int]:
    """Return the id of the form's placement, and the version that the person has seen."""
    start: Any = manager.start_data
    return start["target_id"], start["version"]


async def _present_terms(dialog_manager: DialogManager, **_data: Any) -> dict[str, Any]:
    context = forms.context_of(dialog_manager)
    row, _ = await offers.read(context, _placement(dialog_manager)[0])
    return {
        "values": {
            "price": context.t.money(row.price, row.currency),
            "example": context.t.money(formatting.EXAMPLE),
        }
    }


async def _present_time(dialog_manager: DialogManager, **_data: Any) -> dict[str, Any]:
    context = forms.context_of(dialog_manager)
    row, _ = await offers.read(context, _placement(dialog_manager)[0])
    at, t = row.publish_at, context.t
    return {"when": t.time_and_zone(at) if at else t("when-approved")}


async def _question(manager: DialogManager, context: RequestContext) -> Outgoing:
    return await offers.card_screen(context, _placement(manager)[0])


@openers.callback_query(OpenChangeForm.filter(F.name == ChangeForm.EDIT))
async def open_edit_form(
    press: CallbackQuery,
    callback_data: OpenChangeForm,
    context: RequestContext,
    dialog_manager: DialogManager,
    bot: Bot,
) -> None:
    """Open the form for the ad of the person's own pending placement, with its present ad.

    Raises NotFound.
    """
    async with context.read() as session:
        placement = await placements.get(session, actor=context.actor, target_id=callback_data.id)
        row = await moderation.get_details(session, target_id=callback_data.id)
    if placement.advertiser_id != context.user_id or not placement.is_changeable:
        await respond.show(press, await placement_handlers.screen(context, callback_data.id))
        return
    shown = await ad_input.send(bot, press.from_user.id, row.plain_creative)
    await forms.open_form(
        dialog_manager,
        EditForm.preview if shown else EditForm.ad,
        below=True,
        target_id=row.target_id,
        version=callback_data.version,
        ad=row.plain_creative.as_json(),
    )


async def _begin(start: dict[str, Any], manager: DialogManager) -> None:
    manager.dialog_data["ad"] = start["ad"]


async def _read_ad(message: Message, _input: MessageInput, manager: DialogManager) -> None:
    if await _fields.take_album(message, manager):
        return
    if ad_input.parse(message, manager):
        album_input.drop(manager)
        await _fields.show_preview(manager)


async def _read_button_text(message: Message, _input: MessageInput, manager: DialogManager) -> None:
    if ad_input.read_button_text(message, manager):
        await forms.next_step(manager, EditForm.button_url)


async def _read_button_url(message: Message, _input: MessageInput, manager: DialogManager) -> None:
    if ad_input.read_button_url(message, manager):
        await _fields.show_preview(manager)


async def _remove_button(_press: CallbackQuery, _button: Button, manager: DialogManager) -> None:
    ad_input.remove_button(manager)
    await _fields.show_preview(manager)


async def _after_album(manager: DialogManager) -> None:
    await _fields.show_preview(manager)


async def _send(_press: CallbackQuery, _button: Button, manager: DialogManager) -> None:
    """Change the ad of the placement, and show the placement."""
    context = forms.context_of(manager)
    target_id, version = _placement(manager)
    async with context.begin() as session:
        await placement_versions.change_ad(
            session,
            actor=context.actor,
            target_id=target_id,
            version=version,
            creative=ad_input.draft(manager),
            publish_ahead=context.settings.publish_ahead,
            answer_time=context.settings.owner_answer,
        )
    await forms.close_form(manager, await placement_handlers.screen(context, target_id))


async def _names(dialog_manager: DialogManager, **_data: Any) -> dict[str, Any]:
    context = forms.context_of(dialog_manager)
    async with context.read() as session:
        row = await placements.get(
            session, actor=context.actor, target_id=_placement(dialog_manager)[0]
        )
    start: Any = dialog_manager.start_data
    return {
        "values": {"id": str(row.target_id), "channel": row.channel_title},
        "is_changed": dialog_manager.dialog_data["ad"] != start["ad"],
        **preview_facts(dialog_manager),
    }


async def _placement_card(manager: DialogManager, context: RequestContext) -> Outgoing:
    return await placement_handlers.screen(context, _placement(manager)[0])


_time_steps = TimeSteps(
    "change-time-ask",
    zone=AskForm.zone,
    day=AskForm.time,
    month=AskForm.month,
    hour=AskForm.hour,
    save=_save_time,
    place=time_choice.place_of_form,
    after_cancel=_question,
    more=_present_time,
)
ask_form = Dialog(
    forms.text_step(
        "change-words-ask", _read_words, state=AskForm.words, after_cancel=_question, first=True
    ),
    forms.text_step(
        "change-price-ask",
        _read_price,
        state=AskForm.price,
        after_cancel=_question,
        first=True,
        getter=_present_terms,
    ),
    *_time_steps.windows(),
)
_fields = AdFields(
    ad=EditForm.ad,
    album=EditForm.album,
    preview=EditForm.preview,
    text=EditForm.text,
    file=EditForm.file,
    link_preview=EditForm.link_preview,
    button_text=EditForm.button_text,
    after_cancel=_placement_card,
    after_album=_after_album,
)
edit_form = Dialog(
    Window(
        forms.Question("change-preview"),
        forms.Translated("ad-album-whole", when="is_album"),
        ad_input.AdLosses(),
        MessageInput(_read_ad),
        Button(forms.Translated("change-send"), "submit", on_click=_send, when="is_changed"),
        Group(*_fields.openers(), width=2),
        forms.navigation_row(_placement_card, first=True),
        state=EditForm.preview,
        getter=_names,
    ),
    forms.text_step(
        "change-ad-ask",
        _read_ad,
        state=EditForm.ad,
        after_cancel=_placement_card,
        first=True,
        getter=_names,
        takes_forwards=True,
    ),
    forms.text_step(
        "campaign-button-ask",
        _read_button_text,
        Button(forms.Translated("change-button-none"), "none", on_click=_remove_button),
        state=EditForm.button_text,
        after_cancel=_placement_card,
        back_to=EditForm.preview,
    ),
    forms.text_step(
        "campaign-url-ask",
        _read_button_url,
        state=EditForm.button_url,
        after_cancel=_placement_card,
        back_to=EditForm.button_text,
    ),
    *_fields.windows(_read_ad),
    on_start=_begin,
)
