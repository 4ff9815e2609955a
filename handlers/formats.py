"""Handle the screens on which an owner sees and changes what a channel sells."""

from aiogram import Bot, F, Router
from aiogram.types import CallbackQuery

from bot.context import RequestContext
from bot.format_callbacks import FormatAct, OnFormat, SetLanguage, ShowFormats, ShowLanguages
from bot.screens import formats as screens
from bot.screens.outgoing import Outgoing
from handlers import managers as manager_handlers
from handlers import respond
from services.market import format_changes, managers
from services.platform import users

router = Router(name="formats")


async def list_screen(context: RequestContext, channel_id: int) -> Outgoing:
    """Build the list of the formats that a channel sells, for its owner or a manager.

    Raises NotChannelOwner.
    """
    async with context.read() as session:
        channel, present = await format_changes.of_owner(
            session, actor=context.actor, channel_id=channel_id
        )
        owner = await users.get(session, channel.owner_id)
    return screens.formats(
        context.t, channel, present, context.settings.platform_fee_bps, owner.language
    )


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
    await respond.show(press, await list_screen(context, channel.id))


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


@router.callback_query(ShowLanguages.filter())
async def show_languages(
    press: CallbackQuery, callback_data: ShowLanguages, context: RequestContext
) -> None:
    """Show the languages that a channel can have."""
    async with context.read() as session:
        channel = await managers.get_channel(
            session, actor=context.actor, channel_id=callback_data.id
        )
    await respond.show(press, screens.languages(context.t, channel))


@router.callback_query(SetLanguage.filter())
async def set_language(
    press: CallbackQuery, callback_data: SetLanguage, context: RequestContext, bot: Bot
) -> None:
    """Set the language of a channel's posts."""
    await manager_handlers.require_rights(context, bot, callback_data.id)
    async with (
        respond.show_result(press, lambda: list_screen(context, callback_data.id)),
        context.begin() as session,
    ):
        await format_changes.set_language(
            session,
            actor=context.actor,
            channel_id=callback_data.id,
            language=callback_data.language,
        )
