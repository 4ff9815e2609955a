"""Handle the form with which an advertiser buys a post in a channel."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from aiogram import Bot, F, Router
from aiogram.fsm.state import State, StatesGroup
from aiogram.types import CallbackQuery, Message
from aiogram_dialog import Dialog, DialogManager, Window
from aiogram_dialog.widgets.input import MessageInput
from aiogram_dialog.widgets.kbd import Button, Column, Row, Select

from bot import formatting, metrics
from bot.callbacks import FormName, OpenForm
from bot.context import RequestContext
from bot.errors import explain
from bot.screens import formats as format_screens
from bot.screens import offers as offer_screens
from bot.screens import placements as screens
from bot.screens.outgoing import Outgoing
from bot.screens.paging import FETCH_LIMIT, PAGE_SIZE, offset
from db.models.campaigns import CampaignStatus, Channel
from db.models.formats import ChannelFormat, Ending
from handlers import campaigns as campaign_handlers
from handlers import forms, wallet
from handlers import settings as settings_handlers
from services.market import (
    campaigns,
    channels,
    formats,
    owner_records,
    placements,
    publish_times,
)
from services.market.owner_records import OwnerRecord
from services.market.terms import Terms
from services.platform import errors

openers = Router(name="buy_form")


class BuyForm(StatesGroup):
    """The steps of the form. A person with a time zone skips the step `zone`.

    The step `format` is skipped if the channel sells one format alone.
    """

    channel = State()
    format = State()
    when = State()
    zone = State()
    time = State()
    confirm = State()


@openers.callback_query(OpenForm.filter(F.name == FormName.BUY))
async def open_buy_form(
    press: CallbackQuery,  # noqa: ARG001 - a filter
    callback_data: OpenForm,
    context: RequestContext,
    dialog_manager: DialogManager,
) -> None:
    """Open the form for one of the person's own active campaigns.

    Raises NotCampaignOwner, CampaignNotActive.
    """
    async with context.read() as session:
        row = await campaigns.get(session, actor=context.actor, campaign_id=callback_data.id)
    if row.advertiser_id != context.user_id:
        raise errors.NotCampaignOwner(row.id)
    if row.status is not CampaignStatus.ACTIVE:
        raise errors.CampaignNotActive(row.id, row.status)
    await forms.open_form(dialog_manager, BuyForm.channel, campaign_id=row.id)


async def _catalogue(dialog_manager: DialogManager, **_data: Any) -> dict[str, Any]:
    context = forms.context_of(dialog_manager)
    page_number = dialog_manager.dialog_data.get("page", 0)
    async with context.read() as session:
        campaign = await campaigns.get(
            session, actor=context.actor, campaign_id=_campaign_id(dialog_manager)
        )
        left = await campaigns.budget_left(session, campaign.id)
        rows = await channels.catalogue(session, limit=FETCH_LIMIT, offset=offset(page_number))
        shown = rows[:PAGE_SIZE]
        records = await owner_records.of_channels(session, [row.id for row in shown])
        offered = await formats.of_channels(session, [row.id for row in shown])
    return {
        "values": {
            "campaign": campaign.name,
            "left": context.t.money(left),
            "found": len(shown),
        },
        "channels": [
            (row.id, _label(context, row, offered[row.id], records[row.id])) for row in shown
        ],
        "has_previous": page_number > 0,
        "has_next": len(rows) > PAGE_SIZE,
    }


def _label(
    context: RequestContext, row: Channel, offered: Sequence[ChannelFormat], record: OwnerRecord
) -> str:
    return context.t(
        "buy-channel-row",
        title=row.title,
        price=context.t.money(min((each.price for each in offered), default=0)),
        formats=len(offered),
        subscribers=row.subscribers,
        kinds=", ".join(format_screens.kind(context.t, each) for each in offered),
        topic=row.topic or "",
        answer=offer_screens.answer_hours(record),
    )


async def _turn_page(press: CallbackQuery, button: Button, manager: DialogManager) -> None:  # noqa: ARG001 - a filter
    step = 1 if button.widget_id == "next" else -1
    manager.dialog_data["page"] = max(manager.dialog_data.get("page", 0) + step, 0)


async def _choose_channel(
    _press: CallbackQuery, _select: Any, manager: DialogManager, item: str
) -> None:
    manager.dialog_data["channel_id"] = int(item)
    async with forms.context_of(manager).read() as session:
        offered = await formats.of_channel(session, int(item))
    manager.dialog_data["kind"] = None
    await forms.next_step(manager, BuyForm.format if len(offered) > 1 else BuyForm.when)


async def _formats(dialog_manager: DialogManager, **_data: Any) -> dict[str, Any]:
    context = forms.context_of(dialog_manager)
    t = context.t
    async with context.read() as session:
        row = await channels.get(session, dialog_manager.dialog_data["channel_id"])
        offered = [formats.terms_of(each) for each in await formats.of_channel(session, row.id)]
    return {
        "values": {"channel": row.title},
        "formats": [
            (
                json.dumps(each.kind),
                t("formats-row", kind=format_screens.kind(t, each), price=t.money(each.price)),
            )
            for each in offered
        ],
    }


async def _choose_format(
    _press: CallbackQuery, _select: Any, manager: DialogManager, item: str
) -> None:
    manager.dialog_data["kind"] = json.loads(item)
    await forms.next_step(manager, BuyForm.when)


async def _publish_at_once(_press: CallbackQuery, _button: Button, manager: DialogManager) -> None:
    manager.dialog_data["publish_at"] = None
    await forms.next_step(manager, BuyForm.confirm)


async def _publish_later(_press: CallbackQuery, _button: Button, manager: DialogManager) -> None:
    context = forms.context_of(manager)
    await forms.next_step(manager, BuyForm.time if context.t.time_zone else BuyForm.zone)


async def _save_zone(message: Message, _input: MessageInput, manager: DialogManager) -> None:
    if await settings_handlers.save_zone(message, manager):
        await forms.next_step(manager, BuyForm.time)


async def _zone(dialog_manager: DialogManager, **_data: Any) -> dict[str, Any]:
    return {"values": {"zone": forms.context_of(dialog_manager).t.zone}}


async def _save_time(message: Message, _input: MessageInput, manager: DialogManager) -> None:
    context = forms.context_of(manager)
    typed = message.text or ""
    at = formatting.parse_time(typed, context.t.time_zone)
    if at is None:
        choice = formatting.repeated_time(typed, context.t.time_zone)
        forms.show_error(
            manager,
            context.t("time-twice", first=choice[0], second=choice[1])
            if choice
            else context.t("time-wrong"),
        )
        return
    try:
        async with context.read() as session:
            await publish_times.require(session, at, ahead=context.settings.publish_ahead)
    except (errors.PublishTimePast, errors.PublishTimeTooFar) as error:
        forms.show_error(manager, explain(context.t, error))
        return
    manager.dialog_data["publish_at"] = at.isoformat()
    await forms.next_step(manager, BuyForm.confirm)


async def _summary(dialog_manager: DialogManager, **_data: Any) -> dict[str, Any]:
    context = forms.context_of(dialog_manager)
    async with context.read() as session:
        campaign = await campaigns.get(
            session, actor=context.actor, campaign_id=_campaign_id(dialog_manager)
        )
        left = await campaigns.budget_left(session, campaign.id)
        row = await channels.get(session, dialog_manager.dialog_data["channel_id"])
        offered = [formats.terms_of(each) for each in await formats.of_channel(session, row.id)]
        record = (await owner_records.of_channels(session, [row.id]))[row.id]
    if not offered:
        raise errors.ChannelNotUsable(row.id, row.status)
    at = _publish_at(dialog_manager)
    kind = dialog_manager.dialog_data.get("kind")
    chosen = next((each for each in offered if list(each.kind) == kind), offered[0])
    # The previous release, which may go on with this form, reads two values.
    dialog_manager.dialog_data.update(terms=list(chosen[:2]), promise=list(chosen[2:]))
    return {
        "values": {
            "campaign": campaign.name,
            "channel": row.title,
            "price": context.t.money(chosen.price),
            "stays": format_screens.stays(context.t, chosen),
            "when": context.t.time(at) if at else context.t("when-approved"),
            "left": context.t.money(left),
            "after": context.t.money(left - chosen.price),
            "record": offer_screens.owner_record(context.t, record),
        },
        "missing": dialog_manager.dialog_data.get("missing"),
    }


async def _submit(_press: CallbackQuery, _button: Button, manager: DialogManager) -> None:
    context = forms.context_of(manager)
    try:
        with metrics.measuring("submit", counts=not context.is_tester):
            async with context.begin() as session:
                target = await campaigns.submit_target(
                    session,
                    actor=context.actor,
                    campaign_id=_campaign_id(manager),
                    channel_id=manager.dialog_data["channel_id"],
                    publish_at=_publish_at(manager),
                    publish_ahead=context.settings.publish_ahead,
                    answer_time=context.settings.owner_answer,
                    fee_bps=context.settings.platform_fee_bps,
                    agreed=_agreed(manager),
                    key=forms.idempotency_key(manager),
                )
    except errors.TermsChanged:
        if manager.dialog_data.get("kind") is not None:
            await forms.next_step(manager, BuyForm.format)
        forms.show_error(manager, context.t("terms-changed"))
        return
    except errors.InsufficientFunds as error:
        # The form stays open as a draft, and can be submitted after the deposit.
        missing = error.needed - error.balance
        manager.dialog_data["missing"] = missing
        forms.show_error(manager, context.t("buy-funds-missing", missing=context.t.money(missing)))
        return
    await forms.close_form(manager, await _submitted(context, target.id))


async def _top_up(press: CallbackQuery, _button: Button, manager: DialogManager) -> None:
    """Send the invoice for the money that was missing at the last submission."""
    context = forms.context_of(manager)
    least, _ = context.settings.top_up_limits
    amount = max(manager.dialog_data["missing"], least)
    bot: Bot = manager.middleware_data["bot"]
    problem = await wallet.send_invoice(context, bot, press.from_user.id, amount)
    if problem is not None:
        forms.show_error(manager, problem)


async def _submitted(context: RequestContext, target_id: int) -> Outgoing:
    """Build the screen after a submission."""
    async with context.read() as session:
        row = await placements.get(session, actor=context.actor, target_id=target_id)
    card = screens.placement(context.t, row)
    done = context.t("buy-done", asked="yes" if row.waits_for_owner else "no")
    return Outgoing(f"{done}\n\n{card.text}", card.keyboard)


def _agreed(manager: DialogManager) -> Terms:
    """Return the terms that the confirmation has shown."""
    price, hours = manager.dialog_data["terms"]
    on_top, ending = manager.dialog_data.get("promise", (0, Ending.LEFT))
    return Terms(price, hours, on_top, Ending(ending))


def _campaign_id(manager: DialogManager) -> int:
    start: Any = manager.start_data
    return int(start["campaign_id"])


def _publish_at(manager: DialogManager) -> datetime | None:
    at: str | None = manager.dialog_data.get("publish_at")
    return datetime.fromisoformat(at) if at else None


async def _campaign_card(manager: DialogManager, context: RequestContext) -> Outgoing:
    return await campaign_handlers.card_screen(context, _campaign_id(manager))


form = Dialog(
    Window(
        forms.Question("buy-channel"),
        Column(
            Select(
                forms.ItemLabel(),
                id="channel",
                item_id_getter=lambda item: item[0],
                items="channels",
                on_click=_choose_channel,
            )
        ),
        Row(
            Button(
                forms.Translated("page-previous"),
                "previous",
                on_click=_turn_page,
                when="has_previous",
            ),
            Button(forms.Translated("page-next"), "next", on_click=_turn_page, when="has_next"),
        ),
        forms.navigation_row(_campaign_card, first=True),
        state=BuyForm.channel,
        getter=_catalogue,
    ),
    Window(
        forms.Question("buy-format"),
        Column(
            Select(
                forms.ItemLabel(),
                id="format",
                item_id_getter=lambda item: item[0],
                items="formats",
                on_click=_choose_format,
            )
        ),
        forms.navigation_row(_campaign_card),
        state=BuyForm.format,
        getter=_formats,
    ),
    Window(
        forms.Question("buy-when"),
        Column(
            Button(forms.Translated("buy-at-once"), "at_once", on_click=_publish_at_once),
            Button(forms.Translated("buy-later"), "later", on_click=_publish_later),
        ),
        forms.navigation_row(_campaign_card, back_to=BuyForm.channel),
        state=BuyForm.when,
    ),
    forms.text_step("zone-ask", _save_zone, state=BuyForm.zone, after_cancel=_campaign_card),
    forms.text_step(
        "buy-time-ask",
        _save_time,
        state=BuyForm.time,
        after_cancel=_campaign_card,
        back_to=BuyForm.when,
        getter=_zone,
    ),
    Window(
        forms.Question("buy-confirm"),
        Button(forms.Translated("submit"), "submit", on_click=_submit),
        Button(forms.Translated("buy-top-up"), "top_up", on_click=_top_up, when="missing"),
        forms.navigation_row(_campaign_card, back_to=BuyForm.when),
        state=BuyForm.confirm,
        getter=_summary,
    ),
)
