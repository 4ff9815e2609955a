"""Handle an owner's channels: connect a channel, show the list, and change a channel's state."""

from aiogram import Bot, F, Router
from aiogram.types import CallbackQuery, Message, ReplyKeyboardRemove
from aiogram_dialog import DialogManager

from bot import channel_rights
from bot.callbacks import ChannelAct, Go, OnChannel, Screen
from bot.context import RequestContext
from bot.matches import Matches
from bot.screens import channels as screens
from bot.screens.outgoing import Outgoing
from bot.screens.paging import FETCH_LIMIT, Page, offset
from bot.telegram import channel_reader
from handlers import connections, respond
from handlers import managers as manager_handlers
from services.market import agreements, channels, formats, managers, subscriber_counts
from services.platform import users

router = Router(name="channels")
connect_router = Router(name="channel_connect")
"""The router of `connect`. The forms' router must contain it, because `connect` opens a form."""

_STATUS_CHANGES = {
    ChannelAct.PAUSE: channels.pause,
    ChannelAct.RESUME: channels.resume,
    ChannelAct.REMOVE_CONFIRMED: channels.remove,
}


async def list_screen(context: RequestContext, page_number: int = 0) -> Outgoing:
    """Build the screen with a page of the person's channels."""
    async with context.read_quickly() as session:
        rows = await channels.of_owner(session, context.user_id)
        managed = await managers.channels_of(session, context.user_id)
        waiting = await agreements.count_waiting(session, context.user_id)
    begin = offset(page_number)
    page = Page(rows[begin : begin + FETCH_LIMIT], page_number)
    return screens.channels(context.t, page, waiting, managed)


async def card_screen(context: RequestContext, channel_id: int) -> Outgoing:
    """Build the screen of a channel of which the person is the owner or a manager."""
    async with context.read() as session:
        row = await managers.get_channel(session, actor=context.actor, channel_id=channel_id)
        offered = await formats.of_channel(session, channel_id)
        counts = await subscriber_counts.of_channel(session, channel_id)
    return screens.channel(
        context.t,
        row,
        offered,
        context.settings.platform_fee_bps,
        is_owner=row.owner_id == context.user_id,
        growth=subscriber_counts.growth(counts),
    )


@router.callback_query(Go.filter(F.screen == Screen.CHANNELS))
async def show_list(press: CallbackQuery, callback_data: Go, context: RequestContext) -> None:
    """Show a page of the person's channels."""
    await respond.show(press, await list_screen(context, callback_data.page))


@router.callback_query(Go.filter(F.screen == Screen.CHANNEL))
async def show_card(press: CallbackQuery, callback_data: Go, context: RequestContext) -> None:
    """Show one channel."""
    await respond.show(press, await card_screen(context, callback_data.id))


@router.callback_query(Go.filter(F.screen == Screen.CONNECT))
async def offer_picker(press: CallbackQuery, context: RequestContext) -> None:
    """Show the keyboard that opens Telegram's channel picker."""
    await respond.show(press, screens.channel_picker(context.t))


@router.callback_query(OnChannel.filter(F.act == ChannelAct.REMOVE))
async def ask_remove(
    press: CallbackQuery, callback_data: OnChannel, context: RequestContext
) -> None:
    """Ask for confirmation before a channel is removed."""
    async with context.read() as session:
        row = await channels.get_own(session, actor=context.actor, channel_id=callback_data.id)
    await respond.show(press, screens.confirm_remove(context.t, row))


@router.callback_query(OnChannel.filter(F.act.in_(_STATUS_CHANGES)))
async def change_status(
    press: CallbackQuery, callback_data: OnChannel, context: RequestContext, bot: Bot
) -> None:
    """Pause, resume or remove a channel."""
    await manager_handlers.require_rights(context, bot, callback_data.id)
    async with (
        respond.show_result(press, lambda: card_screen(context, callback_data.id)),
        context.begin() as session,
    ):
        change = _STATUS_CHANGES[callback_data.act]
        await change(session, actor=context.actor, channel_id=callback_data.id)


@connect_router.message(Matches(F.chat_shared.request_id == screens.REQUEST_ID))
async def connect(
    message: Message, context: RequestContext, bot: Bot, dialog_manager: DialogManager
) -> None:
    """Connect the channel that a person has chosen in Telegram's channel picker.

    Telegram must confirm that the bot may post there and that the person is the creator. Another
    administrator gets a link for the creator. The message `chat_shared` can come before or after
    `my_chat_member` (Telegram).
    """
    chat_id = message.chat_shared.chat_id if message.chat_shared else 0
    problem = await channel_rights.find_problem(
        bot, chat_id=chat_id, creator_telegram_id=message.chat.id
    )
    if problem == channel_rights.NOT_CREATOR and await channel_rights.is_administrator(
        bot, chat_id, message.chat.id
    ):
        await connections.invite_creator(message, context, bot, chat_id)
        return
    if problem is not None:
        if problem == channel_rights.NO_RIGHT:
            async with context.begin() as session:
                await channels.record_rights_lost(session, chat_id=chat_id, reason="no_post_right")
        await respond.send(
            bot, message.chat.id, Outgoing(context.t(problem), ReplyKeyboardRemove())
        )
        await respond.show(message, await list_screen(context))
        return
    basics = await channel_reader.read_basics(bot, chat_id)
    former_owner_id = await _find_former_owner(bot, context, chat_id)
    async with context.begin() as session:
        row = await channels.connect(
            session,
            actor=context.actor,
            chat_id=chat_id,
            former_owner_id=former_owner_id,
            **basics._asdict(),
        )
    await connections.show_connected(message, context, bot, dialog_manager, row)


async def _find_former_owner(bot: Bot, context: RequestContext, chat_id: int) -> int | None:
    """Return the stored owner's user id if another person is the creator now, or None."""
    async with context.read() as session:
        row = await channels.by_chat(session, chat_id)
        if row is None or row.owner_id == context.user_id:
            return None
        owner = await users.get(session, row.owner_id)
    is_creator = await channel_rights.is_creator(bot, chat_id, owner.telegram_id)
    return None if is_creator else owner.id
