"""Handle the screens on which an owner sees and changes what a channel sells."""

from aiogram import Bot, F, Router
from aiogram.types import CallbackQuery

from bot.context import RequestContext
from bot.format_callbacks import FormatAct, OnFormat, ShowFormats
from bot.screens import formats as screens
from bot.screens.outgoing import Outgoing
from handlers import managers as manager_handlers
from handlers import respond
from services.market import format_changes

router = Router(name="formats")


async def list_screen(context: RequestContext, channel_id: int) -> Outgoing:
    """Build the list of the formats that a channel sells, for its owner or a manager.

    Raises NotChannelOwner.
    """
    async with context.read() as session:
        channel, present = await format_changes.of_owner(
            session, actor=context.actor, channel_id=channel_id
        )
    return screens.formats(context.t, channel, present, context.settings.platform_fee_bps)


@router.callback_query(ShowFormats.filter())
async def show_formats(
    press: CallbackQuery, callback_data: ShowFormats, context: RequestContext
) -> None:
    """Show the formats that a channel sells."""
    await respond.show(press, await list_screen(context, callback_data.id))


@router.callback_query(OnFormat.filter(F.act == FormatAct.CARD))
async def show_format(
    press: CallbackQuery, callback_data: OnFormat, context: RequestContext
) -> None:
    """Show one format, or the list if the channel does not sell the format any more."""
    async with context.read() as session:
        channel, present = await format_changes.of_owner(
            session, actor=context.actor, channel_id=callback_data.channel
        )
    fee_bps = context.settings.platform_fee_bps
    for row in present:
        if row.id == callback_data.id:
            card = screens.format_card(context.t, channel, row, fee_bps, is_last=len(present) == 1)
            await respond.show(press, card)
            return
    await respond.show(press, screens.formats(context.t, channel, present, fee_bps))


@router.callback_query(OnFormat.filter(F.act == FormatAct.RETIRE))
async def retire(
    press: CallbackQuery, callback_data: OnFormat, context: RequestContext, bot: Bot
) -> None:
    """Stop selling a format."""
    await manager_handlers.require_rights(context, bot, callback_data.channel)
    async with (
        respond.show_result(press, lambda: list_screen(context, callback_data.channel)),
        context.begin() as session,
    ):
        await format_changes.retire(
            session,
            actor=context.actor,
            channel_id=callback_data.channel,
            format_id=callback_data.id,
        )
