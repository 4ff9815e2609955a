"""Define the first steps of the form in which an advertiser buys a post: the channel and format."""

import json
from collections.abc import Sequence
from typing import Any

from aiogram.fsm.state import State, StatesGroup
from aiogram.types import CallbackQuery
from aiogram_dialog import DialogManager, Window
from aiogram_dialog.widgets.kbd import Button, Column, Row, Select

from bot.context import RequestContext
from bot.errors import explain
from bot.screens import formats as format_screens
from bot.screens import offers as offer_screens
from bot.screens.outgoing import Outgoing
from bot.screens.paging import FETCH_LIMIT, PAGE_SIZE, offset
from db.models.campaigns import Channel
from db.models.formats import ChannelFormat
from handlers import campaigns as campaign_handlers
from handlers import card_step, forms
from services.market import auto_delete, campaigns, channels, formats, owner_records
from services.market.owner_records import OwnerRecord
from services.platform.channel_errors import PromiseTooLong


class BuyForm(StatesGroup):
    """The steps of the form. A person with a time zone skips the step `zone`.

    The step `card` shows the chosen channel. The step `format` is skipped if the channel sells one
    format alone. A channel with a calendar offers its free times in the steps `time` (a day) and
    `hour`.
    """

    channel = State()
    card = State()
    format = State()
    when = State()
    zone = State()
    time = State()
    hour = State()
    confirm = State()


async def _catalogue(dialog_manager: DialogManager, **_data: Any) -> dict[str, Any]:
    context = forms.context_of(dialog_manager)
    page_number = dialog_manager.dialog_data.get("page", 0)
    async with context.read() as session:
        campaign = await campaigns.get(
            session, actor=context.actor, campaign_id=campaign_id(dialog_manager)
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
    label = context.t(
        "buy-channel-row",
        title=row.title,
        price=context.t.money(min((each.price for each in offered), default=0)),
        formats=len(offered),
        subscribers=row.subscribers,
        kinds=", ".join(format_screens.kind(context.t, each) for each in offered),
        topic=row.topic or "",
        answer=offer_screens.answer_hours(record),
    )
    is_short = auto_delete.is_too_short(
        row, min((each.promised_hours for each in offered), default=0)
    )
    return context.t("buy-channel-short", row=label) if is_short else label


async def _turn_page(press: CallbackQuery, button: Button, manager: DialogManager) -> None:  # noqa: ARG001 - a filter
    step = 1 if button.widget_id == "next" else -1
    manager.dialog_data["page"] = max(manager.dialog_data.get("page", 0) + step, 0)


async def _choose_channel(
    _press: CallbackQuery, _select: Any, manager: DialogManager, item: str
) -> None:
    await card_step.open_card(manager, int(item), BuyForm.card)


async def _buy_here(_press: CallbackQuery, _button: Button, manager: DialogManager) -> None:
    """Go on with the channel whose card is shown: to its formats, or to the time."""
    context = forms.context_of(manager)
    async with context.read() as session:
        row = await channels.get(session, manager.dialog_data["channel_id"])
        offered = await formats.of_channel(session, row.id)
    on_top = offered[0].hours_on_top if offered else 0
    manager.dialog_data.update(channel_id=row.id, kind=None, on_top=on_top)
    if len(offered) > 1:
        await forms.next_step(manager, BuyForm.format)
        return
    if _is_kept_long_enough(manager, row, row.promised_hours or 0):
        await forms.next_step(manager, BuyForm.when)


def _is_kept_long_enough(manager: DialogManager, row: Channel, promised_hours: int) -> bool:
    """Return whether Telegram lets posts stand for so long in a channel, or show why not."""
    try:
        auto_delete.require(row, promised_hours)
    except PromiseTooLong as error:
        forms.show_error(manager, explain(forms.context_of(manager).t, error))
        return False
    return True


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
    kind = json.loads(item)
    async with forms.context_of(manager).read() as session:
        row = await channels.get(session, manager.dialog_data["channel_id"])
    if _is_kept_long_enough(manager, row, kind[0]):
        manager.dialog_data.update(kind=kind, on_top=kind[1])
        await forms.next_step(manager, BuyForm.when)


async def begin(start_data: Any, manager: DialogManager) -> None:
    """Take over the channel of which the person has read the card before the form was opened."""
    if "channel_id" in start_data:
        manager.dialog_data.update(
            channel_id=start_data["channel_id"], kind=None, on_top=start_data["on_top"]
        )


async def open_for_channel(manager: DialogManager, campaign_id: int, channel_id: int) -> None:
    """Open the form for a campaign and a channel whose card the person has read.

    Raises PromiseTooLong if Telegram would remove each post there too early.
    """
    async with forms.context_of(manager).read() as session:
        row = await channels.get(session, channel_id)
        offered = await formats.of_channel(session, channel_id)
    auto_delete.require(row, row.promised_hours or 0)
    await forms.open_form(
        manager,
        BuyForm.format if len(offered) > 1 else BuyForm.when,
        campaign_id=campaign_id,
        channel_id=channel_id,
        on_top=offered[0].hours_on_top if offered else 0,
    )


def campaign_id(manager: DialogManager) -> int:
    """Return the id of the campaign for which the form was opened."""
    start: Any = manager.start_data
    return int(start["campaign_id"])


async def campaign_card(manager: DialogManager, context: RequestContext) -> Outgoing:
    """Build the screen after the form was cancelled."""
    return await campaign_handlers.card_screen(context, campaign_id(manager))


channel_step = Window(
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
    forms.navigation_row(campaign_card, first=True),
    state=BuyForm.channel,
    getter=_catalogue,
)
channel_card_step = card_step.card_step(
    BuyForm.card, on_buy=_buy_here, back_to=BuyForm.channel, after_cancel=campaign_card
)
format_step = Window(
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
    forms.navigation_row(campaign_card, back_to=BuyForm.card),
    state=BuyForm.format,
    getter=_formats,
)
