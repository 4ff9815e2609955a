"""Ask Telegram whether the bot may post in a channel, and whether a person is its creator."""

from aiogram import Bot
from aiogram.exceptions import TelegramAPIError, TelegramBadRequest, TelegramForbiddenError
from aiogram.types import ChatMemberAdministrator, ChatMemberOwner, ResultChatMemberUnion

from bot.context import TryLaterError

NO_RIGHT = "channel-no-right"
"""The id of the text that tells a person that the bot cannot post in the channel."""
NOT_CREATOR = "channel-not-creator"
"""The id of the text that tells a person that they are not the channel's creator."""


async def bot_member(bot: Bot, chat_id: int) -> ResultChatMemberUnion | None:
    """Return the bot's own membership in a channel, or None if the bot cannot see the channel.

    Raises TryLaterError if Telegram gives no answer or asks the bot to wait.
    """
    try:
        return await bot.get_chat_member(chat_id, bot.id)
    except (TelegramBadRequest, TelegramForbiddenError):
        return None
    except TelegramAPIError as error:
        raise TryLaterError from error


async def find_problem(bot: Bot, *, chat_id: int, creator_telegram_id: int) -> str | None:
    """Return why a channel cannot be used: NO_RIGHT, NOT_CREATOR, or None if there is no problem.

    Some errors of Telegram prove nothing about the channel: a status 429, a lost answer, a wrong
    token. The function raises these errors.
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
    """Return whether a person is the creator of a channel in which the bot is an administrator.

    The result is False if Telegram does not know the person in the channel. The function raises
    errors of Telegram that prove nothing: a status 429, a lost answer, a wrong token.
    """
    try:
        member = await bot.get_chat_member(chat_id, telegram_id)
    except (TelegramBadRequest, TelegramForbiddenError):
        return False
    return isinstance(member, ChatMemberOwner)
