"""Handle the form with which an advertiser buys a post in a channel."""

from datetime import datetime, timedelta
from typing import Any

from aiogram import F, Router
from aiogram.types import CallbackQuery
from aiogram_dialog import Dialog, DialogManager, Window
from aiogram_dialog.widgets.kbd import Button, Column
from aiogram_dialog.widgets.text import Format

from bot import names
from bot.callbacks import FormName, OpenForm
from bot.context import RequestContext
from bot.errors import explain
from bot.screens import channel_card as card_screens
from bot.screens import formats as format_screens
from bot.screens import offers as offer_screens
from bot.screens.outgoing import Outgoing
from db import queries
from db.models.campaigns import CampaignStatus
from db.models.formats import Ending
from handlers import buy_many, buy_steps, catalogue_steps, forms
from handlers import placements as placement_handlers
from handlers.buy_steps import BuyForm
from handlers.time_choice import TimeSteps
from services.market import (
    ad_topics,
    campaigns,
    channel_cards,
    channels,
    formats,
    kept_times,
    placements,
)
from services.market.offered_times import Place
from services.market.terms import Terms
from services.platform import errors
from services.platform.calendar_errors import NoFreeTime, TimeNotFree
from services.platform.channel_errors import PromiseTooLong

openers = Router(name="buy_form")


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


async def _publish_at_once(_press: CallbackQuery, _button: Button, manager: DialogManager) -> None:
    manager.dialog_data["publish_at"] = None
    await forms.next_step(manager, BuyForm.confirm)


async def _publish_later(_press: CallbackQuery, _button: Button, manager: DialogManager) -> None:
    await _time_steps.open(manager)


async def _when(dialog_manager: DialogManager, **_data: Any) -> dict[str, Any]:
    context = forms.context_of(dialog_manager)
    at = await _next_time(dialog_manager)
    channel_id = dialog_manager.dialog_data["channel_id"]
    async with context.read() as session:
        row = await channels.get(session, channel_id)
    return {
        "values": {"next": at},
        "can_be_soon": at != "none",
        "title": names.one_line(row.title),
    }


def _place(manager: DialogManager) -> Place:
    draft = manager.dialog_data
    return Place(int(draft["channel_id"]), timedelta(hours=draft.get("on_top", 0)))


async def _next_time(manager: DialogManager) -> str:
    """Return the next free time of the channel as text: `now` for at once, `none` for no free time.

    A channel without a calendar publishes at once.
    """
    context, place = forms.context_of(manager), _place(manager)
    async with context.read() as session:
        if not await kept_times.is_kept(session, place.channel_id):
            return "now"
        soon = await queries.now(session) + kept_times.SOON
        at = await kept_times.soonest(session, place.channel_id, on_top=place.on_top)
    if at is None:
        return "none"
    return "now" if at < soon else context.t.time_and_zone(at)


async def _save_time(manager: DialogManager, at: datetime) -> None:
    """Store a chosen time, or show the error if the time is not free."""
    context, place = forms.context_of(manager), _place(manager)
    try:
        async with context.read() as session:
            await kept_times.require(session, place.channel_id, at, on_top=place.on_top)
    except TimeNotFree as error:
        forms.show_error(manager, explain(context.t, error))
        return
    manager.dialog_data["publish_at"] = at.isoformat()
    await forms.next_step(manager, BuyForm.confirm)


async def _summary(dialog_manager: DialogManager, **_data: Any) -> dict[str, Any]:
    context = forms.context_of(dialog_manager)
    async with context.read() as session:
        campaign = await campaigns.get(
            session, actor=context.actor, campaign_id=buy_steps.campaign_id(dialog_manager)
        )
        left = await campaigns.budget_left(session, campaign.id)
        card = await channel_cards.read(session, dialog_manager.dialog_data["channel_id"])
        wants_topic = await ad_topics.is_wanted(
            session, campaign=campaign, channel_id=card.channel.id
        )
    row, offered = card.channel, [formats.terms_of(each) for each in card.formats]
    if not offered:
        raise errors.ChannelNotUsable(row.id, row.status)
    at = _publish_at(dialog_manager)
    kind = dialog_manager.dialog_data.get("kind")
    chosen = next((each for each in offered if list(each.kind) == kind), offered[0])
    soon = "" if at else await _next_time(dialog_manager)
    # The previous release, which may go on with this form, reads two values.
    dialog_manager.dialog_data.update(terms=list(chosen[:2]), promise=list(chosen[2:]))
    return {
        "values": {
            "campaign": campaign.name,
            "channel": row.title,
            "price": context.t.money(chosen.price),
            "stays": format_screens.stays(context.t, chosen),
            "when": context.t.time_and_zone(at) if at else context.t("when-next-free", next=soon),
            "hours": -(-context.settings.complaint_window // timedelta(hours=1)),
            "left": context.t.money(left),
            "after": context.t.money(left - chosen.price),
            "facts": card_screens.short(context.t, card),
            "record": offer_screens.owner_record(context.t, card.record),
        },
        "missing": dialog_manager.dialog_data.get("missing"),
        "wants_topic": wants_topic,
        "topic_hint": context.t("buy-topic-hint"),
    }


async def _submit(_press: CallbackQuery, _button: Button, manager: DialogManager) -> None:
    context = forms.context_of(manager)
    try:
        target = await buy_steps.submit(
            manager,
            channel_id=manager.dialog_data["channel_id"],
            publish_at=_publish_at(manager),
            agreed=_agreed(manager),
            key=forms.idempotency_key(manager),
        )
    except PromiseTooLong as error:
        forms.show_error(manager, explain(context.t, error))
        return
    except errors.TermsChanged:
        if manager.dialog_data.get("kind") is not None:
            await forms.next_step(manager, BuyForm.format)
        forms.show_error(manager, context.t("terms-changed"))
        return
    except (TimeNotFree, NoFreeTime) as error:
        forms.show_error(manager, explain(context.t, error))
        await manager.switch_to(BuyForm.time if isinstance(error, TimeNotFree) else BuyForm.when)
        return
    except errors.InsufficientFunds as error:
        # The form stays open as a draft, and can be submitted after the deposit.
        missing = error.needed - error.balance
        manager.dialog_data["missing"] = missing
        forms.show_error(manager, context.t("buy-funds-missing", missing=context.t.money(missing)))
        return
    await forms.close_form(manager, await _submitted(context, target.id))


async def _submitted(context: RequestContext, target_id: int) -> Outgoing:
    """Build the screen after a submission."""
    async with context.read() as session:
        row = await placements.get(session, actor=context.actor, target_id=target_id)
    card = await placement_handlers.screen(context, target_id)
    done = context.t("buy-done", asked="yes" if row.waits_for_owner else "no")
    return Outgoing(f"{done}\n\n{card.text}", card.keyboard)


def _agreed(manager: DialogManager) -> Terms:
    """Return the terms that the confirmation has shown."""
    price, hours = manager.dialog_data["terms"]
    on_top, ending = manager.dialog_data.get("promise", (0, Ending.LEFT))
    return Terms(price, hours, on_top, Ending(ending))


def _publish_at(manager: DialogManager) -> datetime | None:
    at: str | None = manager.dialog_data.get("publish_at")
    return datetime.fromisoformat(at) if at else None


_time_steps = TimeSteps(
    "buy-time-ask",
    zone=BuyForm.zone,
    day=BuyForm.time,
    month=BuyForm.month,
    hour=BuyForm.hour,
    save=_save_time,
    place=_place,
    after_cancel=buy_steps.campaign_card,
    back_to=BuyForm.when,
)
form = Dialog(
    catalogue_steps.channel_step,
    catalogue_steps.order_step,
    catalogue_steps.filters_step,
    catalogue_steps.choices_step,
    catalogue_steps.free_day_step,
    buy_steps.channel_card_step,
    buy_steps.format_step,
    Window(
        Format("📺 {title}\n"),
        forms.Question("buy-when"),
        Column(
            Button(
                forms.Translated("buy-at-once"),
                "at_once",
                on_click=_publish_at_once,
                when="can_be_soon",
            ),
            Button(forms.Translated("buy-later"), "later", on_click=_publish_later),
        ),
        forms.navigation_row(buy_steps.campaign_card, back_to=BuyForm.card),
        state=BuyForm.when,
        getter=_when,
    ),
    *_time_steps.windows(),
    Window(
        forms.Question("buy-confirm"),
        Format("\n{topic_hint}", when="wants_topic"),
        Button(
            forms.Translated("buy-topic"),
            "topic",
            on_click=buy_steps.ask_topic,
            when="wants_topic",
        ),
        Button(forms.Translated("submit"), "submit", on_click=_submit),
        Button(forms.Translated("buy-top-up"), "top_up", on_click=buy_steps.top_up, when="missing"),
        forms.navigation_row(buy_steps.campaign_card, back_to=BuyForm.when),
        state=BuyForm.confirm,
        getter=_summary,
    ),
    buy_many.format_step,
    buy_many.when_step,
    *buy_many.time_steps.windows(),
    buy_many.table_step,
    on_start=buy_steps.begin,
)
