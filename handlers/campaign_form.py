"""Handle the form of a new campaign: name, ad, link button, budget and preview."""

from dataclasses import replace
from typing import Any

from aiogram import Bot, F, Router
from aiogram.exceptions import TelegramBadRequest
from aiogram.fsm.state import State, StatesGroup
from aiogram.types import CallbackQuery, Message
from aiogram_dialog import Dialog, DialogManager, Window
from aiogram_dialog.widgets.input import MessageInput
from aiogram_dialog.widgets.kbd import Button
from aiogram_dialog.widgets.text import Text

from bot import ad_parser
from bot.callbacks import FormName, OpenForm
from bot.context import RequestContext
from bot.errors import explain
from bot.screens.outgoing import Outgoing
from bot.telegram import ad_messages
from handlers import campaigns as campaign_handlers
from handlers import forms
from services.market import campaigns, creatives, links
from services.market.creatives import Creative
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
async def open_campaign_form(press: CallbackQuery, dialog_manager: DialogManager) -> None:  # noqa: ARG001 - a filter
    """Open the form of a new campaign."""
    await forms.open_form(dialog_manager, CampaignForm.name)


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
    if _parse_ad(message, manager):
        await forms.next_step(manager, CampaignForm.button_text)


async def _replace_ad(message: Message, _input: MessageInput, manager: DialogManager) -> None:
    """Replace the ad of the draft, and show the preview again."""
    if _parse_ad(message, manager) and await _show_preview(message, manager):
        await forms.next_step(manager, CampaignForm.preview)


def _parse_ad(message: Message, manager: DialogManager) -> bool:
    """Store the ad of a message in the draft. Return False if the ad is invalid."""
    draft = manager.dialog_data
    if (message.text or "").startswith("/") and message.forward_origin is None:
        forms.show_error(manager, forms.context_of(manager).t("answer-command"))
        return False
    parsed = ad_parser.parse_ad(message)
    if parsed is None or message.media_group_id is not None:
        forms.show_error(manager, forms.context_of(manager).t("ad-kind"))
        return False
    earlier = _creative(manager) if "ad" in draft else parsed.creative
    ad = replace(parsed.creative, button_text=earlier.button_text, button_url=earlier.button_url)
    if not _check_ad(manager, ad, parsed.addresses):
        return False
    draft["ad"] = ad.as_json()
    draft["losses"] = parsed.losses
    return True


async def _read_button_text(message: Message, _input: MessageInput, manager: DialogManager) -> None:
    text = (message.text or "").strip()
    # The check of the button's text needs a valid address, but the form asks for the address only
    # in the next step.
    ad = replace(_creative(manager), button_text=text, button_url="https://t.me/")
    if not _check_ad(manager, ad):
        return
    manager.dialog_data["button_text"] = text
    await forms.next_step(manager, CampaignForm.button_url)


async def _read_button_url(message: Message, _input: MessageInput, manager: DialogManager) -> None:
    url = links.with_scheme((message.text or "").strip())
    text = manager.dialog_data["button_text"]
    await _save_ad(
        manager,
        replace(_creative(manager), button_text=text, button_url=url),
        CampaignForm.budget,
    )


async def _skip_button(_press: CallbackQuery, _button: Button, manager: DialogManager) -> None:
    ad = replace(_creative(manager), button_text=None, button_url=None)
    await _save_ad(manager, ad, CampaignForm.budget)


async def _read_budget(message: Message, _input: MessageInput, manager: DialogManager) -> None:
    budget = await forms.read_amount(message, manager)
    if budget is None:
        return
    manager.dialog_data["budget"] = budget
    if await _show_preview(message, manager):
        await forms.next_step(manager, CampaignForm.preview)


async def _show_preview(message: Message, manager: DialogManager) -> bool:
    """Show the ad as channels will get it. Return False if Telegram refuses the ad."""
    context = forms.context_of(manager)
    bot: Bot = manager.middleware_data["bot"]
    try:
        await bot(ad_messages.message(message.chat.id, _creative(manager)))
    except TelegramBadRequest:
        forms.show_error(manager, context.t("ad-refused"))
        await manager.switch_to(CampaignForm.ad)
        return False
    return True


async def _save(_press: CallbackQuery, _button: Button, manager: DialogManager) -> None:
    context = forms.context_of(manager)
    async with context.begin() as session:
        row = await campaigns.create(
            session,
            actor=context.actor,
            name=manager.dialog_data["name"],
            creative=_creative(manager),
            total_budget=manager.dialog_data["budget"],
            key=forms.idempotency_key(manager),
        )
    await forms.close_form(manager, await campaign_handlers.card_screen(context, row.id))


async def _save_ad(manager: DialogManager, ad: Creative, next_state: State) -> None:
    if _check_ad(manager, ad):
        manager.dialog_data["ad"] = ad.as_json()
        await forms.next_step(manager, next_state)


def _check_ad(
    manager: DialogManager, ad: Creative, addresses: tuple[tuple[int, int], ...] = ()
) -> bool:
    """Return whether an ad and the addresses in its text are valid. Otherwise show the error."""
    try:
        ad.validate()
        for offset, length in addresses:
            links.require_visible(ad.text, offset, length)
    except errors.DomainError as error:
        forms.show_error(manager, explain(forms.context_of(manager).t, error))
        return False
    return True


class AdLosses(Text):
    """A list of the message's parts that the published ad will not have."""

    async def _render_text(self, data: dict[str, Any], manager: DialogManager) -> str:  # noqa: ARG002 - required
        t = forms.context_of(manager).t
        losses = manager.dialog_data.get("losses", ())
        lines = [t("ad-loss", loss=loss) for loss in losses]
        return "\n".join(["", t("ad-losses"), *lines]) if lines else ""


def _creative(manager: DialogManager) -> Creative:
    return Creative.from_json(manager.dialog_data["ad"])


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
        AdLosses(),
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
        AdLosses(),
        MessageInput(_replace_ad),
        Button(forms.Translated("save"), "save", on_click=_save),
        forms.navigation_row(_campaign_list),
        state=CampaignForm.preview,
        getter=_summary,
    ),
)
