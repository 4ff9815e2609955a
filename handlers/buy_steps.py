"""Define what the steps of the buying form share, and the step in which a format is chosen."""

import json
from datetime import datetime
from typing import Any

from aiogram import Bot
from aiogram.fsm.state import State, StatesGroup
from aiogram.types import CallbackQuery
from aiogram_dialog import DialogManager, Window
from aiogram_dialog.widgets.kbd import Button, Column, Select

from bot import metrics
from bot.context import RequestContext
from bot.errors import explain
from bot.screens import formats as format_screens
from bot.screens.outgoing import Outgoing
from db.models.campaigns import CampaignTarget, Channel
from handlers import campaigns as campaign_handlers
from handlers import card_step, forms, wallet
from services.market import auto_delete, campaigns, channels, formats
from services.market.terms import Terms
from services.platform.channel_errors import PromiseTooLong


class BuyForm(StatesGroup):
    """The steps of the form. A person with a time zone skips the step `zone`.

    The step `channel` is the catalogue, with the steps `order`, `filters` and `choices` beside it.
    The step `card` shows the chosen channel. The step `format` is skipped if the channel sells one
    format alone. A channel with a calendar offers its free times in the steps `time` (a day) and
    `hour`. Several channels are bought in the steps `many_format`, `many_when` and `many_table`.
    """

    channel = State()
    card = State()
    order = State()
    filters = State()
    choices = State()
    format = State()
    when = State()
    zone = State()
    time = State()
    hour = State()
    confirm = State()
    many_format = State()
    many_when = State()
    many_table = State()


async def open_channel(manager: DialogManager, channel_id: int) -> None:
    """Show the card of a channel that the person has chosen in the catalogue. Raises NotFound."""
    await card_step.open_card(manager, channel_id, BuyForm.card)


async def _buy_here(_press: CallbackQuery, _button: Button, manager: DialogManager) -> None:
    """Go on with the channel whose card is shown: to its formats, or to the time."""
    context = forms.context_of(manager)
    async with context.read() as session:
        row = await channels.get(session, manager.dialog_data["channel_id"])
        offered = await formats.of_channel(session, row.id)
    on_top = offered[0].hours_on_top if offered else 0
    manager.dialog_data.update(channel_id=row.id, kind=None, on_top=on_top, missing=None)
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


async def submit(
    manager: DialogManager,
    *,
    channel_id: int,
    publish_at: datetime | None,
    agreed: Terms | None,
    key: str,
    is_part: bool = False,
) -> CampaignTarget:
    """Submit a placement of the form's campaign, in a transaction of its own.

    `publish_at` is a time with a time zone, or None for as soon as possible. `agreed` are the terms
    that the person has read. `is_part` says that the press submits several placements. Locks and
    raises what `campaigns.submit_target` does.
    """
    context = forms.context_of(manager)
    begin = context.begin_part if is_part else context.begin
    with metrics.measuring("submit", counts=not context.is_tester):
        async with begin() as session:
            return await campaigns.submit_target(
                session,
                actor=context.actor,
                campaign_id=campaign_id(manager),
                channel_id=channel_id,
                publish_at=publish_at,
                publish_ahead=context.settings.publish_ahead,
                answer_time=context.settings.owner_answer,
                complaint_window=context.settings.complaint_window,
                fee_bps=context.settings.platform_fee_bps,
                agreed=agreed,
                key=key,
            )


async def top_up(press: CallbackQuery, _button: Button, manager: DialogManager) -> None:
    """Send the invoice for the money that was missing at the last submission."""
    context = forms.context_of(manager)
    least, _ = context.settings.top_up_limits
    amount = max(manager.dialog_data["missing"], least)
    bot: Bot = manager.middleware_data["bot"]
    problem = await wallet.send_invoice(context, bot, press.from_user.id, amount)
    if problem is not None:
        forms.show_error(manager, problem)


def campaign_id(manager: DialogManager) -> int:
    """Return the id of the campaign for which the form was opened."""
    start: Any = manager.start_data
    return int(start["campaign_id"])


async def campaign_card(manager: DialogManager, context: RequestContext) -> Outgoing:
    """Build the screen after the form was cancelled."""
    return await campaign_handlers.card_screen(context, campaign_id(manager))


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
