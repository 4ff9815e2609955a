"""The form of a new placement: channel, time, confirmation."""

from datetime import datetime
from typing import Any

from aiogram import F, Router
from aiogram.fsm.state import State, StatesGroup
from aiogram.types import CallbackQuery, Message
from aiogram_dialog import Dialog, DialogManager, Window
from aiogram_dialog.widgets.input import MessageInput
from aiogram_dialog.widgets.kbd import Button, Column, Row, Select

from bot import formatting
from bot.callbacks import FormName, OpenForm
from bot.context import RequestContext
from bot.screens import campaigns as campaign_screens
from bot.screens import placements as screens
from bot.screens.outgoing import Outgoing
from bot.screens.paging import FETCH, PAGE, offset
from db.models.campaigns import CampaignStatus, Channel
from handlers import forms
from handlers import settings as settings_handlers
from services.market import campaigns, channels, placements
from services.platform import errors

openers = Router(name="buy_form")


class BuyForm(StatesGroup):
    """The steps, in order; the zone is asked once in a person's life."""

    channel = State()
    when = State()
    zone = State()
    time = State()
    confirm = State()


@openers.callback_query(OpenForm.filter(F.name == FormName.BUY))
async def open_buy_form(
    press: CallbackQuery,  # noqa: ARG001
    callback_data: OpenForm,
    context: RequestContext,
    dialog_manager: DialogManager,
) -> None:
    """Offer the catalogue to an active campaign of one's own."""
    async with context.read() as session:
        row = await campaigns.get(session, actor=context.actor, campaign_id=callback_data.id)
    if row.advertiser_id != context.user_id:
        raise errors.NotCampaignOwner(row.id)
    if row.status is not CampaignStatus.ACTIVE:
        raise errors.CampaignNotActive(row.id, row.status)
    await forms.open_form(dialog_manager, BuyForm.channel, campaign_id=row.id)


async def _catalogue(dialog_manager: DialogManager, **_data: Any) -> dict[str, Any]:
    context = forms.turn_of(dialog_manager)
    number = dialog_manager.dialog_data.get("page", 0)
    async with context.read() as session:
        campaign = await campaigns.get(
            session, actor=context.actor, campaign_id=_campaign_id(dialog_manager)
        )
        left = await campaigns.budget_left(session, campaign.id)
        found = await channels.catalogue(session, limit=FETCH, offset=offset(number))
    return {
        "values": {
            "campaign": campaign.name,
            "left": context.t.money(left),
            "found": len(found[:PAGE]),
        },
        "channels": [(row.id, _label(context, row)) for row in found[:PAGE]],
        "has_previous": number > 0,
        "has_next": len(found) > PAGE,
    }


def _label(context: RequestContext, row: Channel) -> str:
    return context.t(
        "buy-channel-row",
        title=row.title,
        price=context.t.money(row.price or 0),
        subscribers=row.subscribers,
        hours=row.promised_hours or 0,
        topic=row.topic or "",
    )


async def _turn_page(press: CallbackQuery, button: Button, manager: DialogManager) -> None:  # noqa: ARG001
    step = 1 if button.widget_id == "next" else -1
    manager.dialog_data["page"] = max(manager.dialog_data.get("page", 0) + step, 0)


async def _choose(_press: CallbackQuery, _select: Any, manager: DialogManager, item: str) -> None:
    manager.dialog_data["channel_id"] = int(item)
    await forms.go_on(manager, BuyForm.when)


async def _at_once(_press: CallbackQuery, _button: Button, manager: DialogManager) -> None:
    manager.dialog_data["publish_at"] = None
    await forms.go_on(manager, BuyForm.confirm)


async def _later(_press: CallbackQuery, _button: Button, manager: DialogManager) -> None:
    context = forms.turn_of(manager)
    await forms.go_on(manager, BuyForm.time if context.t.time_zone else BuyForm.zone)


async def _zone(message: Message, _input: MessageInput, manager: DialogManager) -> None:
    context = forms.turn_of(manager)
    if await settings_handlers.keep_zone(context, message.text or ""):
        await forms.go_on(manager, BuyForm.time)
    else:
        forms.complain(manager, context.t("zone-unknown"))


async def _time(message: Message, _input: MessageInput, manager: DialogManager) -> None:
    context = forms.turn_of(manager)
    at = formatting.parse_time(message.text or "", context.t.time_zone)
    if at is None:
        forms.complain(manager, context.t("time-wrong"))
        return
    manager.dialog_data["publish_at"] = at.isoformat()
    await forms.go_on(manager, BuyForm.confirm)


async def _summary(dialog_manager: DialogManager, **_data: Any) -> dict[str, Any]:
    context = forms.turn_of(dialog_manager)
    async with context.read() as session:
        campaign = await campaigns.get(
            session, actor=context.actor, campaign_id=_campaign_id(dialog_manager)
        )
        left = await campaigns.budget_left(session, campaign.id)
        row = await channels.get(session, dialog_manager.dialog_data["channel_id"])
    at = _publish_at(dialog_manager)
    price, hours = row.price or 0, row.promised_hours or 0
    dialog_manager.dialog_data["terms"] = [price, hours]
    return {
        "values": {
            "campaign": campaign.name,
            "channel": row.title,
            "price": context.t.money(price),
            "hours": hours,
            "when": context.t.time(at) if at else context.t("when-approved"),
            "left": context.t.money(left),
            "after": context.t.money(left - price),
        }
    }


async def _submit(_press: CallbackQuery, _button: Button, manager: DialogManager) -> None:
    context = forms.turn_of(manager)
    try:
        async with context.begin() as session:
            target = await campaigns.submit_target(
                session,
                actor=context.actor,
                campaign_id=_campaign_id(manager),
                channel_id=manager.dialog_data["channel_id"],
                publish_at=_publish_at(manager),
                fee_bps=context.settings.platform_fee_bps,
                agreed=campaigns.Terms(*manager.dialog_data["terms"]),
                key=f"form:{context.user_id}:{manager.current_context().id}",
            )
    except errors.TermsChanged:
        forms.complain(manager, context.t("terms-changed"))
        return
    async with context.read() as session:
        row = await placements.get(session, actor=context.actor, target_id=target.id)
    card = screens.placement(context.t, row)
    await forms.close(manager, Outgoing(f"{context.t('buy-done')}\n\n{card.text}", card.keyboard))


def _campaign_id(manager: DialogManager) -> int:
    start: Any = manager.start_data
    return int(start["campaign_id"])


def _publish_at(manager: DialogManager) -> datetime | None:
    at: str | None = manager.dialog_data.get("publish_at")
    return datetime.fromisoformat(at) if at else None


async def _campaign(manager: DialogManager, context: RequestContext) -> Outgoing:
    async with context.read() as session:
        row = await campaigns.get(session, actor=context.actor, campaign_id=_campaign_id(manager))
        left = await campaigns.budget_left(session, row.id)
    return campaign_screens.campaign(context.t, row, left)


form = Dialog(
    Window(
        forms.Ask("buy-channel"),
        Column(
            Select(
                forms.Item(),
                id="channel",
                item_id_getter=lambda item: item[0],
                items="channels",
                on_click=_choose,
            )
        ),
        Row(
            Button(
                forms.Say("page-previous"), "previous", on_click=_turn_page, when="has_previous"
            ),
            Button(forms.Say("page-next"), "next", on_click=_turn_page, when="has_next"),
        ),
        forms.ways_out(_campaign, first=True),
        state=BuyForm.channel,
        getter=_catalogue,
    ),
    Window(
        forms.Ask("buy-when"),
        Column(
            Button(forms.Say("buy-at-once"), "at_once", on_click=_at_once),
            Button(forms.Say("buy-later"), "later", on_click=_later),
        ),
        forms.ways_out(_campaign),
        state=BuyForm.when,
    ),
    Window(
        forms.Ask("zone-ask"),
        MessageInput(_zone),
        forms.ways_out(_campaign),
        state=BuyForm.zone,
    ),
    Window(
        forms.Ask("buy-time-ask"),
        MessageInput(_time),
        forms.ways_out(_campaign, back_to=BuyForm.when),
        state=BuyForm.time,
    ),
    Window(
        forms.Ask("buy-confirm"),
        Button(forms.Say("submit"), "submit", on_click=_submit),
        forms.ways_out(_campaign, back_to=BuyForm.when),
        state=BuyForm.confirm,
        getter=_summary,
    ),
)
