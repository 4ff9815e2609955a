"""The form of a new campaign: name, ad, link button, budget, preview, save."""

from dataclasses import replace
from typing import Any

from aiogram import Bot, F, Router
from aiogram.exceptions import TelegramBadRequest
from aiogram.fsm.state import State, StatesGroup
from aiogram.types import CallbackQuery, Message
from aiogram_dialog import Dialog, DialogManager, Window
from aiogram_dialog.widgets.input import MessageInput
from aiogram_dialog.widgets.kbd import Button

from bot import ad_parser, formatting
from bot.callbacks import FormName, OpenForm
from bot.context import RequestContext
from bot.errors import explain
from bot.screens.outgoing import Outgoing
from bot.telegram import ad_messages
from handlers import campaigns as campaign_handlers
from handlers import forms
from services.market import campaigns, creatives
from services.market.creatives import Creative
from services.platform import errors

openers = Router(name="campaign_form")


class CampaignForm(StatesGroup):
    """The steps, in order."""

    name = State()
    ad = State()
    button_text = State()
    button_url = State()
    budget = State()
    preview = State()


@openers.callback_query(OpenForm.filter(F.name == FormName.CAMPAIGN))
async def open_campaign_form(press: CallbackQuery, dialog_manager: DialogManager) -> None:  # noqa: ARG001
    """Ask for the first thing."""
    await forms.open_form(dialog_manager, CampaignForm.name)


async def _name(message: Message, _input: MessageInput, manager: DialogManager) -> None:
    context = forms.turn_of(manager)
    name = (message.text or "").strip()
    if not name or creatives.utf16_length(name) > campaigns.NAME_LIMIT:
        problem = errors.InvalidText("name", campaigns.NAME_LIMIT, creatives.utf16_length(name))
        forms.complain(manager, explain(context.t, problem))
        return
    manager.dialog_data["name"] = name
    await forms.go_on(manager, CampaignForm.ad)


async def _ad(message: Message, _input: MessageInput, manager: DialogManager) -> None:
    context = forms.turn_of(manager)
    ad = ad_parser.parse_ad(message)
    if ad is None or message.media_group_id is not None:
        forms.complain(manager, context.t("ad-kind"))
        return
    await _keep(manager, ad, CampaignForm.button_text)


async def _button_text(message: Message, _input: MessageInput, manager: DialogManager) -> None:
    text = (message.text or "").strip()
    # The address follows; until then any valid one stands in for the check of the text.
    problem = _wrong(
        manager, replace(_creative(manager), button_text=text, button_url="https://t.me/")
    )
    if problem:
        forms.complain(manager, problem)
        return
    manager.dialog_data["button_text"] = text
    await forms.go_on(manager, CampaignForm.button_url)


async def _button_url(message: Message, _input: MessageInput, manager: DialogManager) -> None:
    url = (message.text or "").strip()
    if "://" not in url:
        url = f"https://{url}"
    text = manager.dialog_data["button_text"]
    await _keep(
        manager,
        replace(_creative(manager), button_text=text, button_url=url),
        CampaignForm.budget,
    )


async def _no_button(_press: CallbackQuery, _button: Button, manager: DialogManager) -> None:
    ad = replace(_creative(manager), button_text=None, button_url=None)
    await _keep(manager, ad, CampaignForm.budget)


async def _budget(message: Message, _input: MessageInput, manager: DialogManager) -> None:
    context = forms.turn_of(manager)
    budget = formatting.parse_money(message.text or "", context.t.currency, context.t.language)
    if budget is None:
        forms.complain(
            manager, context.t("amount-wrong", example=context.t.money(formatting.EXAMPLE))
        )
        return
    manager.dialog_data["budget"] = budget
    if await _show_ad(message, manager):
        await forms.go_on(manager, CampaignForm.preview)


async def _show_ad(message: Message, manager: DialogManager) -> bool:
    """Send the ad exactly as channels will get it; what Telegram refuses is told now."""
    context = forms.turn_of(manager)
    bot: Bot = manager.middleware_data["bot"]
    try:
        await bot(ad_messages.message(message.chat.id, _creative(manager)))
    except TelegramBadRequest:
        forms.complain(manager, context.t("ad-refused"))
        await manager.switch_to(CampaignForm.ad)
        return False
    return True


async def _save(_press: CallbackQuery, _button: Button, manager: DialogManager) -> None:
    context = forms.turn_of(manager)
    async with context.begin() as session:
        row = await campaigns.create(
            session,
            actor=context.actor,
            name=manager.dialog_data["name"],
            creative=_creative(manager),
            total_budget=manager.dialog_data["budget"],
            key=f"form:{context.user_id}:{manager.current_context().id}",
        )
    await forms.close(manager, await campaign_handlers.card_screen(context, row.id))


async def _keep(manager: DialogManager, ad: Creative, state: State) -> None:
    problem = _wrong(manager, ad)
    if problem:
        forms.complain(manager, problem)
        return
    manager.dialog_data["ad"] = ad.as_json()
    await forms.go_on(manager, state)


def _wrong(manager: DialogManager, ad: Creative) -> str | None:
    try:
        ad.validate()
    except errors.DomainError as error:
        return explain(forms.turn_of(manager).t, error)
    return None


def _creative(manager: DialogManager) -> Creative:
    return Creative.from_json(manager.dialog_data["ad"])


async def _summary(dialog_manager: DialogManager, **_data: Any) -> dict[str, Any]:
    context = forms.turn_of(dialog_manager)
    draft = dialog_manager.dialog_data
    return {"values": {"name": draft["name"], "budget": context.t.money(draft["budget"])}}


async def _examples(dialog_manager: DialogManager, **_data: Any) -> dict[str, Any]:
    return {"values": {"example": forms.turn_of(dialog_manager).t.money(formatting.EXAMPLE)}}


async def _list(_manager: DialogManager, context: RequestContext) -> Outgoing:
    return await campaign_handlers.list_screen(context)


form = Dialog(
    Window(
        forms.Ask("campaign-name-ask"),
        MessageInput(_name),
        forms.ways_out(_list, first=True),
        state=CampaignForm.name,
    ),
    Window(
        forms.Ask("campaign-ad-ask"),
        MessageInput(_ad),
        forms.ways_out(_list),
        state=CampaignForm.ad,
    ),
    Window(
        forms.Ask("campaign-button-ask"),
        MessageInput(_button_text),
        Button(forms.Say("skip"), "skip", on_click=_no_button),
        forms.ways_out(_list),
        state=CampaignForm.button_text,
    ),
    Window(
        forms.Ask("campaign-url-ask"),
        MessageInput(_button_url),
        Button(forms.Say("skip"), "skip", on_click=_no_button),
        forms.ways_out(_list),
        state=CampaignForm.button_url,
    ),
    Window(
        forms.Ask("campaign-budget-ask"),
        MessageInput(_budget),
        forms.ways_out(_list, back_to=CampaignForm.button_text),
        state=CampaignForm.budget,
        getter=_examples,
    ),
    Window(
        forms.Say("campaign-preview"),
        Button(forms.Say("save"), "save", on_click=_save),
        forms.ways_out(_list),
        state=CampaignForm.preview,
        getter=_summary,
    ),
)
