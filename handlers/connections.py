"""Handle the link with which a channel's creator confirms an administrator's connection."""

from aiogram import Bot, F, Router
from aiogram.filters import CommandObject, CommandStart
from aiogram.types import Message, ReplyKeyboardRemove
from aiogram.utils.deep_linking import create_start_link
from aiogram_dialog import DialogManager

from bot import channel_rights
from bot.context import RequestContext
from bot.matches import IN_PRIVATE_CHAT
from bot.screens import channels as screens
from bot.screens.outgoing import NO_PREVIEW, Outgoing
from bot.telegram import channel_reader
from db.models.campaigns import Channel, ChannelStatus
from handlers import forms, respond
from handlers.terms_form import TermsForm
from services.market import calendars, connections, formats

PREFIX = "own_"
"""The beginning of the link's parameter. The token follows."""

router = Router(name="connections")
"""The router of `confirm`. The forms' router must contain it, because `confirm` opens a form."""


async def invite_creator(message: Message, context: RequestContext, bot: Bot, chat_id: int) -> None:
    """Send an administrator of a channel the link that the channel's creator has to open.

    Raises ConnectYourself if the channel is connected already.
    """
    chat = await bot.get_chat(chat_id)
    title = chat.title or str(chat_id)
    async with context.begin() as session:
        token = await connections.start(session, actor=context.actor, chat_id=chat_id, title=title)
    link = await create_start_link(bot, f"{PREFIX}{token}")
    started = Outgoing(context.t("connection-started", title=title), ReplyKeyboardRemove())
    await respond.send(bot, message.chat.id, started)
    invitation = context.t("connection-invitation", title=title, link=link)
    await bot.send_message(message.chat.id, invitation, link_preview_options=NO_PREVIEW)


@router.message(
    CommandStart(deep_link=True, magic=F.args.startswith(PREFIX)),
    IN_PRIVATE_CHAT,
)
async def confirm(
    message: Message,
    command: CommandObject,
    context: RequestContext,
    bot: Bot,
    dialog_manager: DialogManager,
) -> None:
    """Connect the channel of a link, if Telegram says that the person is the channel's creator.

    Otherwise the link stays usable. Then the form of the channel's terms opens.
    """
    token = (command.args or "").removeprefix(PREFIX)
    async with context.read() as session:
        request = await connections.find(session, token)
    problem = await channel_rights.find_problem(
        bot, chat_id=request.chat_id, creator_telegram_id=message.chat.id
    )
    if problem is not None:
        no_right = problem == channel_rights.NO_RIGHT
        await respond.alert(
            message,
            context.t(
                "connection-no-right" if no_right else "connection-not-creator",
                title=request.title,
            ),
        )
        return
    basics = await channel_reader.read_basics(bot, request.chat_id)
    async with context.begin() as session:
        row = await connections.confirm(
            session, actor=context.actor, token=token, **basics._asdict()
        )
    await show_connected(message, context, bot, dialog_manager, row)


async def show_connected(
    message: Message,
    context: RequestContext,
    bot: Bot,
    dialog_manager: DialogManager,
    row: Channel,
) -> None:
    """Tell the owner that a channel is connected, and open the form of its terms if it has none."""
    connected = Outgoing(context.t("channel-connected", title=row.title), ReplyKeyboardRemove())
    await respond.send(bot, message.chat.id, connected)
    if row.status is ChannelStatus.PENDING:
        async with context.begin() as session:
            await calendars.reset(
                session,
                actor=context.actor,
                channel_id=row.id,
                time_zone=context.t.time_zone,
            )
        await forms.open_form(dialog_manager, TermsForm.price, channel_id=row.id, adds=False)
        return
    async with context.read() as session:
        offered = await formats.of_channel(session, row.id)
    await respond.show(
        message, screens.channel(context.t, row, offered, context.settings.platform_fee_bps)
    )
