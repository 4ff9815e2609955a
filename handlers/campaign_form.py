"""Handle the form of a campaign: name, ad, link button, budget and preview.

The form makes a new campaign, a copy of one, or changes a draft. From the preview, each field can
be changed by itself.
"""

from typing import Any

from aiogram import Bot, F, Router
from aiogram.fsm.state import State, StatesGroup
from aiogram.types import CallbackQuery, Message
from aiogram_dialog import Dialog, DialogManager, Window
from aiogram_dialog.widgets.input import MessageInput
from aiogram_dialog.widgets.kbd import Button, Group

from bot.callbacks import FormName, OpenForm
from bot.context import RequestContext
from bot.errors import explain
from bot.screens.outgoing import Outgoing
from db.models.campaigns import CampaignStatus
from handlers import ad_input, album_input, card_purchases, forms
from handlers import campaigns as campaign_handlers
from handlers.ad_fields import AdFields, opener, preview_facts
from services.market import campaigns, creatives, drafts
from services.market.creatives import Creative
from services.platform import errors

openers = Router(name="campaign_form")
_COMPLETE = "complete"
"""The key in the data of a draft that has been previewed."""


class CampaignForm(StatesGroup):
    """The steps of the form in their order, and then the steps that only the preview opens."""

    name = State()
    ad = State()
    album = State()
    button_text = State()
    button_url = State()
    budget = State()
    preview = State()
    other_name = State()
    text = State()
    file = State()
    link_preview = State()


@openers.callback_query(OpenForm.filter(F.name == FormName.CAMPAIGN))
async def open_campaign_form(
    press: CallbackQuery,  # noqa: ARG001 - a filter
    callback_data: OpenForm,
    dialog_manager: DialogManager,
) -> None:
    """Open the form of a new campaign. It may be for the purchase of a post in a channel."""
    await forms.open_form(dialog_manager, CampaignForm.name, buy_in=callback_data.id)


@openers.callback_query(OpenForm.filter(F.name.in_({FormName.COPY, FormName.DRAFT})))
async def open_filled_form(
    press: CallbackQuery,
    callback_data: OpenForm,
    context: RequestContext,
    dialog_manager: DialogManager,
    bot: Bot,
) -> None:
    """Open the form with the content of the person's own campaign, to copy or to change it.

    Raises NotFound, NotCampaignOwner; InvalidMove for a change of a campaign that is no draft.
    """
    async with context.read() as session:
        row = await campaigns.get(session, actor=context.actor, campaign_id=callback_data.id)
    if row.advertiser_id != context.user_id:
        raise errors.NotCampaignOwner(row.id)
    changes = callback_data.name is FormName.DRAFT
    if changes and row.status is not CampaignStatus.DRAFT:
        raise errors.InvalidMove("campaign", row.id, row.status, "changed")
    shown = await ad_input.send(bot, press.from_user.id, Creative.from_json(row.creative))
    await forms.open_form(
        dialog_manager,
        CampaignForm.preview if shown else CampaignForm.ad,
        below=True,
        draft={"name": row.name, "ad": row.creative, "budget": row.total_budget, _COMPLETE: True},
        source_id=row.id,
        changes=changes,
    )


async def _begin(start: dict[str, Any], manager: DialogManager) -> None:
    manager.dialog_data.update(start.get("draft", {}))


async def _go_on(manager: DialogManager, step: State) -> None:
    """Go to the next step of a new campaign, or back to the preview of a complete draft."""
    if _COMPLETE in manager.dialog_data:
        await _show_preview(manager)
    else:
        await forms.next_step(manager, step)


async def _show_preview(manager: DialogManager) -> None:
    if await ad_input.show_preview(manager, CampaignForm.ad):
        manager.dialog_data[_COMPLETE] = True
        await forms.next_step(manager, CampaignForm.preview)


def _to_preview(manager: DialogManager) -> State | None:
    """Return the preview of a complete draft. None means the previous step."""
    return CampaignForm.preview if _COMPLETE in manager.dialog_data else None


def _before_budget(manager: DialogManager) -> State:
    is_album = bool(ad_input.draft(manager).items)
    first = CampaignForm.album if is_album else CampaignForm.button_text
    return _to_preview(manager) or first


async def _read_name(message: Message, _input: MessageInput, manager: DialogManager) -> None:
    context = forms.context_of(manager)
    name = (message.text or "").strip()
    if not name or creatives.utf16_length(name) > campaigns.NAME_LIMIT:
        problem = errors.InvalidText("name", campaigns.NAME_LIMIT, creatives.utf16_length(name))
        forms.show_error(manager, explain(context.t, problem))
        return
    manager.dialog_data["name"] = name
    await _go_on(manager, CampaignForm.ad)


async def _read_ad(message: Message, _input: MessageInput, manager: DialogManager) -> None:
    if await _fields.take_album(message, manager):
        return
    if ad_input.parse(message, manager):
        album_input.drop(manager)
        await _go_on(manager, CampaignForm.button_text)


async def _after_album(manager: DialogManager) -> None:
    await _go_on(manager, CampaignForm.budget)


async def _read_button_text(message: Message, _input: MessageInput, manager: DialogManager) -> None:
    if ad_input.read_button_text(message, manager):
        await forms.next_step(manager, CampaignForm.button_url)


async def _read_button_url(message: Message, _input: MessageInput, manager: DialogManager) -> None:
    if ad_input.read_button_url(message, manager):
        await _go_on(manager, CampaignForm.budget)


async def _skip_button(_press: CallbackQuery, _button: Button, manager: DialogManager) -> None:
    ad_input.remove_button(manager)
    await _go_on(manager, CampaignForm.budget)


async def _read_budget(message: Message, _input: MessageInput, manager: DialogManager) -> None:
    budget = await forms.read_amount(message, manager)
    if budget is None:
        return
    manager.dialog_data["budget"] = budget
    await _show_preview(manager)


async def _save(_press: CallbackQuery, _button: Button, manager: DialogManager) -> None:
    context = forms.context_of(manager)
    start: Any = manager.start_data or {}
    draft = manager.dialog_data
    content: dict[str, Any] = {
        "actor": context.actor,
        "name": draft["name"],
        "creative": ad_input.draft(manager),
        "total_budget": draft["budget"],
    }
    async with context.begin() as session:
        if start.get("changes"):
            campaign_id = start["source_id"]
            await drafts.change(session, campaign_id=campaign_id, **content)
            row = await campaigns.get(session, actor=context.actor, campaign_id=campaign_id)
        else:
            key = forms.idempotency_key(manager)
            row = await campaigns.create(session, key=key, **content)
    after = await card_purchases.after_campaign(context, row, start.get("buy_in", 0))
    await forms.close_form(manager, after or await campaign_handlers.card_screen(context, row.id))


async def _summary(dialog_manager: DialogManager, **_data: Any) -> dict[str, Any]:
    context = forms.context_of(dialog_manager)
    draft = dialog_manager.dialog_data
    return {
        "values": {"name": draft["name"], "budget": context.t.money(draft["budget"])},
        **preview_facts(dialog_manager),
    }


async def _after_cancel(manager: DialogManager, context: RequestContext) -> Outgoing:
    start = manager.start_data
    if isinstance(start, dict) and "source_id" in start:
        return await campaign_handlers.card_screen(context, start["source_id"])
    return await campaign_handlers.list_screen(context)


_fields = AdFields(
    ad=CampaignForm.ad,
    album=CampaignForm.album,
    preview=CampaignForm.preview,
    text=CampaignForm.text,
    file=CampaignForm.file,
    link_preview=CampaignForm.link_preview,
    button_text=CampaignForm.button_text,
    after_cancel=_after_cancel,
    after_album=_after_album,
)
form = Dialog(
    forms.text_step(
        "campaign-name-ask",
        _read_name,
        state=CampaignForm.name,
        after_cancel=_after_cancel,
        first=True,
    ),
    forms.text_step(
        "campaign-ad-ask",
        _read_ad,
        state=CampaignForm.ad,
        after_cancel=_after_cancel,
        back_to=_to_preview,
        takes_forwards=True,
    ),
    forms.text_step(
        "campaign-button-ask",
        _read_button_text,
        ad_input.AdLosses(),
        Button(forms.Translated("skip"), "skip", on_click=_skip_button),
        state=CampaignForm.button_text,
        after_cancel=_after_cancel,
        back_to=_to_preview,
    ),
    forms.text_step(
        "campaign-url-ask",
        _read_button_url,
        Button(forms.Translated("skip"), "skip", on_click=_skip_button),
        state=CampaignForm.button_url,
        after_cancel=_after_cancel,
    ),
    forms.text_step(
        "campaign-budget-ask",
        _read_budget,
        state=CampaignForm.budget,
        after_cancel=_after_cancel,
        back_to=_before_budget,
        getter=forms.example_amount,
        take_first=_fields.take_late_part,
    ),
    Window(
        forms.Question("campaign-preview"),
        forms.Translated("ad-album-whole", when="is_album"),
        ad_input.AdLosses(),
        MessageInput(_read_ad),
        Button(forms.Translated("save"), "save", on_click=_save),
        Group(
            opener("campaign-change-name", CampaignForm.other_name),
            opener("campaign-change-budget", CampaignForm.budget),
            *_fields.openers(),
            width=2,
        ),
        forms.navigation_row(_after_cancel, first=True),
        state=CampaignForm.preview,
        getter=_summary,
    ),
    forms.text_step(
        "campaign-name-ask",
        _read_name,
        state=CampaignForm.other_name,
        after_cancel=_after_cancel,
        back_to=CampaignForm.preview,
        take_first=_fields.take_late_part,
    ),
    *_fields.windows(_read_ad),
    on_start=_begin,
)
