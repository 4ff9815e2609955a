"""An owner's channels: connecting one, its card, and what is done with it."""

from aiogram import Bot, F, Router
from aiogram.types import CallbackQuery, Message, ReplyKeyboardRemove
from aiogram_dialog import DialogManager

from bot import channel_rights
from bot.callbacks import ChannelAct, Go, OnChannel, Place
from bot.screens import channels as screens
from bot.screens.outgoing import Outgoing
from bot.screens.paging import FETCH, Page, offset
from bot.turn import Turn
from db.models.campaigns import ChannelStatus
from handlers import answers, forms
from handlers.terms_form import TermsForm
from services import channels

router = Router(name="channels")
picked = Router(name="channel_picked")
"""Opens a form, so it stands under the forms' router."""

MOVES = {
    ChannelAct.PAUSE: channels.pause,
    ChannelAct.RESUME: channels.resume,
    ChannelAct.REMOVE_SURE: channels.remove,
}


async def list_screen(turn: Turn, number: int = 0) -> Outgoing:
    """Read and show the person's channels."""
    async with turn.read() as session:
        found = await channels.of_owner(session, turn.user_id)
    begin = offset(number)
    return screens.channels(turn.t, Page(found[begin : begin + FETCH], number))


@router.callback_query(Go.filter(F.place == Place.CHANNELS))
async def show_list(press: CallbackQuery, callback_data: Go, turn: Turn) -> None:
    """Show the list."""
    await answers.show(press, await list_screen(turn, callback_data.page))


@router.callback_query(Go.filter(F.place == Place.CHANNEL))
async def show_card(press: CallbackQuery, callback_data: Go, turn: Turn) -> None:
    """Show one channel."""
    async with turn.read() as session:
        row = await channels.own(session, actor=turn.actor, channel_id=callback_data.id)
    await answers.show(press, screens.channel(turn.t, row))


@router.callback_query(Go.filter(F.place == Place.CONNECT))
async def offer_picker(press: CallbackQuery, turn: Turn) -> None:
    """Offer Telegram's channel picker."""
    await answers.show(press, screens.choose(turn.t))


@router.callback_query(OnChannel.filter(F.act == ChannelAct.REMOVE))
async def ask_remove(press: CallbackQuery, callback_data: OnChannel, turn: Turn) -> None:
    """Ask before a channel is removed."""
    async with turn.read() as session:
        row = await channels.own(session, actor=turn.actor, channel_id=callback_data.id)
    await answers.show(press, screens.remove_sure(turn.t, row))


@router.callback_query(OnChannel.filter(F.act.in_(MOVES)))
async def move(press: CallbackQuery, callback_data: OnChannel, turn: Turn) -> None:
    """Pause, resume or remove."""
    async with turn.begin() as session:
        row = await MOVES[callback_data.act](session, actor=turn.actor, channel_id=callback_data.id)
    await answers.show(press, screens.channel(turn.t, row))


@picked.message(F.chat_shared.request_id == screens.REQUEST_ID)
async def connect(message: Message, turn: Turn, bot: Bot, dialog_manager: DialogManager) -> None:
    """Connect the chosen channel if the bot may post there and the person is its creator.

    What Telegram's picker promised is asked of Telegram again: the update may be old, and
    `my_chat_member` may come before or after it.
    """
    chat_id = message.chat_shared.chat_id if message.chat_shared else 0
    problem = await channel_rights.problem(
        bot, chat_id=chat_id, creator_telegram_id=message.chat.id
    )
    if problem is not None:
        await answers.send(bot, message.chat.id, Outgoing(turn.t(problem), ReplyKeyboardRemove()))
        await answers.show(message, await list_screen(turn))
        return
    chat = await bot.get_chat(chat_id)
    subscribers = await bot.get_chat_member_count(chat_id)
    async with turn.begin() as session:
        row = await channels.connect(
            session,
            actor=turn.actor,
            chat_id=chat_id,
            title=chat.title or str(chat_id),
            username=chat.username,
            subscribers=subscribers,
        )
    connected = Outgoing(turn.t("channel-connected", title=row.title), ReplyKeyboardRemove())
    await answers.send(bot, message.chat.id, connected)
    if row.status is ChannelStatus.PENDING:
        await forms.open_form(dialog_manager, TermsForm.price, channel_id=row.id)
    else:
        await answers.show(message, screens.channel(turn.t, row))
