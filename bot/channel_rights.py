"""Ask Telegram about the bot's rights in a channel and about the channel's creator."""

from aiogram import Bot
from aiogram.exceptions import TelegramAPIError, TelegramBadRequest, TelegramForbiddenError
from aiogram.types import ChatMemberAdministrator, ChatMemberOwner, ResultChatMemberUnion

from bot.context import TryLaterError

NO_RIGHT = "channel-no-right"
"""The id of the text about the bot's missing right to post."""
NOT_CREATOR = "channel-not-creator"
"""The id of the text for a person who is not the channel's creator."""


async def bot_member(bot: Bot, chat_id: int) -> ResultChatMemberUnion | None:
    """Return the bot's membership in a channel, or None if the bot cannot see the channel.

    Raises TryLaterError if Telegram gives no answer or asks the bot to wait.
    """
    try:
        return await bot.get_chat_member(chat_id, bot.id)
    except (TelegramBadRequest, TelegramForbiddenError):
        return None
    except TelegramAPIError as error:
        raise TryLaterError from error


async def find_problem(bot: Bot, *, chat_id: int, creator_telegram_id: int) -> str | None:
    """Return NO_RIGHT or NOT_CREATOR, or None if the channel can be used.

    Raises Telegram's error if the error proves nothing about the channel, for example a status 429.
    """
    try:
        own_member = await bot.get_chat_member(chat_id, bot.id)
    except (TelegramBadRequest, TelegramForbiddenError):
        # Telegram refuses questions about a channel's members to a bot that is not in the channel.
        return NO_RIGHT
    if not isinstance(own_member, ChatMemberAdministrator) or not own_member.can_post_messages:
        return NO_RIGHT
    return None if await is_creator(bot, chat_id, creator_telegram_id) else NOT_CREATOR


async def is_creator(bot: Bot, chat_id: int, telegram_id: int) -> bool:
    """Return whether a person created a channel in which the bot is an administrator.

    Raises Telegram's error if the error proves nothing about the person, for example a status 429.
    """
    try:
        member = await bot.get_chat_member(chat_id, telegram_id)
    except (TelegramBadRequest, TelegramForbiddenError):
        return False
    return isinstance(member, ChatMemberOwner)


async def is_administrator(bot: Bot, chat_id: int, telegram_id: int) -> bool:
    """Return whether a person is an administrator of a channel, but not its creator.

    Raises Telegram's error if the error proves nothing about the person, for example a status 429.
    """
    try:
        member = await bot.get_chat_member(chat_id, telegram_id)
    except (TelegramBadRequest, TelegramForbiddenError):
        return False
    return isinstance(member, ChatMemberAdministrator)


async def is_still_creator(bot: Bot, chat_id: int, telegram_id: int) -> bool:
    """Return whether a person still is a channel's creator.

    Raises TryLaterError if Telegram gives no answer or asks the bot to wait.
    """
    try:
        return await is_creator(bot, chat_id, telegram_id)
    except TelegramAPIError as error:
        raise TryLaterError from error
