"""Handle the managers of a channel: name and end them, and check them again at each act."""

from aiogram import Bot, F, Router
from aiogram.exceptions import TelegramAPIError, TelegramBadRequest, TelegramForbiddenError
from aiogram.types import CallbackQuery, ChatMemberAdministrator

from bot import channel_rights
from bot.context import RequestContext, TryLaterError
from bot.manager_callbacks import ManagerAct, OnManager
from bot.screens import managers as screens
from bot.screens.managers import Administrator
from bot.screens.outgoing import Outgoing
from db.models.campaigns import Channel
from handlers import respond
from services.market import channels, managers
from services.platform.channel_errors import ManagerEnded

router = Router(name="managers")


async def require_rights(
    context: RequestContext, bot: Bot, channel_id: int, *, owner_id: int | None = None
) -> None:
    """Check with Telegram that a manager of a channel still is its administrator.

    The owner needs no such check. `owner_id` is whom the person acts for; None means the channel's
    present owner. Raises ManagerEnded if Telegram says no, and ends the manager's work then;
    TryLaterError if Telegram gives no answer.
    """
    async with context.read() as session:
        row = await channels.get(session, channel_id)
        acts_for = row.owner_id if owner_id is None else owner_id
        is_manager = context.user_id != acts_for and await managers.is_manager(
            session, channel_id=channel_id, owner_id=acts_for, user_id=context.user_id
        )
    if not is_manager or context.person is None:
        return
    telegram_id = context.person.telegram_id
    try:
        if await channel_rights.is_administrator(bot, row.chat_id, telegram_id):
            return
    except TelegramAPIError as error:
        raise TryLaterError from error
    async with context.begin() as session:
        await managers.end_by_telegram(session, channel_id=channel_id, telegram_ids=[telegram_id])
    raise ManagerEnded(channel_id)


async def _own(context: RequestContext, channel_id: int) -> Channel:
    async with context.read() as session:
        return await channels.get_own(session, actor=context.actor, channel_id=channel_id)


async def _administrators(bot: Bot, chat_id: int) -> list[Administrator]:
    """Return the administrators of a channel whom its creator may name as managers.

    Raises TryLaterError if Telegram gives no answer.
    """
    try:
        found = await bot.get_chat_administrators(chat_id)
    except (TelegramBadRequest, TelegramForbiddenError):
        return []
    except TelegramAPIError as error:
        raise TryLaterError from error
    return [
        Administrator(member.user.id, member.user.full_name)
        for member in found
        if isinstance(member, ChatMemberAdministrator) and not member.user.is_bot
    ]


async def _screen(context: RequestContext, bot: Bot, channel_id: int) -> Outgoing:
    row = await _own(context, channel_id)
    administrators = await _administrators(bot, row.chat_id)
    async with context.read() as session:
        present = await managers.list_telegram_ids(session, channel_id)
    # A manager who is no administrator any more has no button, and the next act or check ends them.
    return screens.managers(context.t, row, administrators, present)


@router.callback_query(OnManager.filter(F.act == ManagerAct.LIST))
async def show_managers(
    press: CallbackQuery, callback_data: OnManager, context: RequestContext, bot: Bot
) -> None:
    """Show the administrators of a channel, and which of them are managers."""
    await respond.show(press, await _screen(context, bot, callback_data.id))


@router.callback_query(OnManager.filter(F.act == ManagerAct.NAME))
async def name_manager(
    press: CallbackQuery, callback_data: OnManager, context: RequestContext, bot: Bot
) -> None:
    """Name a manager, if Telegram says that the person is an administrator of the channel.

    Otherwise the list is shown as it is now.
    """
    row = await _own(context, callback_data.id)
    administrators = await _administrators(bot, row.chat_id)
    if any(person.telegram_id == callback_data.telegram_id for person in administrators):
        async with context.begin() as session:
            await managers.name(
                session,
                actor=context.actor,
                channel_id=row.id,
                telegram_id=callback_data.telegram_id,
            )
    await respond.show(press, await _screen(context, bot, row.id))


@router.callback_query(OnManager.filter(F.act == ManagerAct.END))
async def end_manager(
    press: CallbackQuery, callback_data: OnManager, context: RequestContext, bot: Bot
) -> None:
    """End the work of a manager."""
    async with context.begin() as session:
        await managers.end(
            session,
            actor=context.actor,
            channel_id=callback_data.id,
            telegram_id=callback_data.telegram_id,
        )
    await respond.show(press, await _screen(context, bot, callback_data.id))
