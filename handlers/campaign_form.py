"""Handle the form of a new campaign: name, ad, link button, budget and preview."""

from typing import Any

from aiogram import F, Router
from aiogram.fsm.state import State, StatesGroup
from aiogram.types import CallbackQuery, Message
from aiogram_dialog import Dialog, DialogManager, Window
from aiogram_dialog.widgets.input import MessageInput
from aiogram_dialog.widgets.kbd import Button

from bot.callbacks import FormName, OpenForm
from bot.context import RequestContext
from bot.errors import explain
from bot.screens.outgoing import Outgoing
from handlers import ad_input, card_purchases, forms
from handlers import campaigns as campaign_handlers
from services.market import campaigns, creatives
from services.platform import errors

openers = Router(name="campaign_form")


class CampaignForm(StatesGroup):
    """The steps of the form in their order."""

    name = State()
    ad = State()
    button_text = State()
    button_url = State()
    budget = State()
    preview = State()


@openers.callback_query(OpenForm.filter(F.name == FormName.CAMPAIGN))
async def open_campaign_form(
    press: CallbackQuery,  # noqa: ARG001 - a filter
    callback_data: OpenForm,
    dialog_manager: DialogManager,
) -> None:
    """Open the form of a new campaign. It may be for the purchase of a post in a channel."""
    await forms.open_form(dialog_manager, CampaignForm.name, buy_in=callback_data.id)


async def _read_name(message: Message, _input: MessageInput, manager: DialogManager) -> None:
    context = forms.context_of(manager)
    name = (message.text or "").strip()
    if not name or creatives.utf16_length(name) > campaigns.NAME_LIMIT:
        problem = errors.InvalidText("name", campaigns.NAME_LIMIT, creatives.utf16_length(name))
        forms.show_error(manager, explain(context.t, problem))
        return
    manager.dialog_data["name"] = name
    await forms.next_step(manager, CampaignForm.ad)


async def _read_ad(message: Message, _input: MessageInput, manager: DialogManager) -> None:
    if ad_input.parse(message, manager):
        await forms.next_step(manager, CampaignForm.button_text)


async def _replace_ad(message: Message, _input: MessageInput, manager: DialogManager) -> None:
    """Replace the ad of the draft, and show the preview again."""
    if ad_input.parse(message, manager) and await ad_input.show_preview(manager, CampaignForm.ad):
        await forms.next_step(manager, CampaignForm.preview)


async def _read_button_text(message: Message, _input: MessageInput, manager: DialogManager) -> None:
    if ad_input.read_button_text(message, manager):
        await forms.next_step(manager, CampaignForm.button_url)


async def _read_button_url(message: Message, _input: MessageInput, manager: DialogManager) -> None:
    if ad_input.read_button_url(message, manager):
        await forms.next_step(manager, CampaignForm.budget)


async def _skip_button(_press: CallbackQuery, _button: Button, manager: DialogManager) -> None:
    ad_input.remove_button(manager)
    await forms.next_step(manager, CampaignForm.budget)


async def _read_budget(message: Message, _input: MessageInput, manager: DialogManager) -> None:
    budget = await forms.read_amount(message, manager)
    if budget is None:
        return
    manager.dialog_data["budget"] = budget
    if await ad_input.show_preview(manager, CampaignForm.ad):
        await forms.next_step(manager, CampaignForm.preview)


async def _save(_press: CallbackQuery, _button: Button, manager: DialogManager) -> None:
    context = forms.context_of(manager)
    async with context.begin() as session:
        row = await campaigns.create(
            session,
            actor=context.actor,
            name=manager.dialog_data["name"],
            creative=ad_input.draft(manager),
            total_budget=manager.dialog_data["budget"],
            key=forms.idempotency_key(manager),
        )
    start: Any = manager.start_data
    after = await card_purchases.after_campaign(context, row, (start or {}).get("buy_in", 0))
    await forms.close_form(manager, after or await campaign_handlers.card_screen(context, row.id))


async def _summary(dialog_manager: DialogManager, **_data: Any) -> dict[str, Any]:
    context = forms.context_of(dialog_manager)
    draft = dialog_manager.dialog_data
    return {"values": {"name": draft["name"], "budget": context.t.money(draft["budget"])}}


async def _campaign_list(_manager: DialogManager, context: RequestContext) -> Outgoing:
    return await campaign_handlers.list_screen(context)


form = Dialog(
    forms.text_step(
        "campaign-name-ask",
        _read_name,
        state=CampaignForm.name,
        after_cancel=_campaign_list,
        first=True,
    ),
    forms.text_step(
        "campaign-ad-ask",
        _read_ad,
        state=CampaignForm.ad,
        after_cancel=_campaign_list,
        takes_forwards=True,
    ),
    forms.text_step(
        "campaign-button-ask",
        _read_button_text,
        ad_input.AdLosses(),
        Button(forms.Translated("skip"), "skip", on_click=_skip_button),
        state=CampaignForm.button_text,
        after_cancel=_campaign_list,
    ),
    forms.text_step(
        "campaign-url-ask",
        _read_button_url,
        Button(forms.Translated("skip"), "skip", on_click=_skip_button),
        state=CampaignForm.button_url,
        after_cancel=_campaign_list,
    ),
    forms.text_step(
        "campaign-budget-ask",
        _read_budget,
        state=CampaignForm.budget,
        after_cancel=_campaign_list,
        back_to=CampaignForm.button_text,
        getter=forms.example_amount,
    ),
    Window(
        forms.Question("campaign-preview"),
        ad_input.AdLosses(),
        MessageInput(_replace_ad),
        Button(forms.Translated("save"), "save", on_click=_save),
        forms.navigation_row(_campaign_list),
        state=CampaignForm.preview,
        getter=_summary,
    ),
)
