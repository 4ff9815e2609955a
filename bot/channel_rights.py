"""Ask Telegram whether the bot may post in a channel, and whether a person is its creator."""

from aiogram import Bot
from aiogram.exceptions import TelegramAPIError, TelegramBadRequest, TelegramForbiddenError
from aiogram.types import ChatMemberAdministrator, ChatMemberOwner, ResultChatMemberUnion

from bot.context import TryLaterError


async def bot_member(bot: Bot, chat_id: int) -> ResultChatMemberUnion | None:
    """Return the bot's own membership in a channel, or None if the bot cannot see the channel.

    Raises TryLaterError if Telegram gives no answer or asks the bot to wait, because a missing
    answer proves nothing.
    """
    try:
        return await bot.get_chat_member(chat_id, bot.id)
    except (TelegramBadRequest, TelegramForbiddenError):
        return None
    except TelegramAPIError as error:
        raise TryLaterError from error


async def find_problem(bot: Bot, *, chat_id: int, creator_telegram_id: int) -> str | None:
    """Check the rights in a channel; return the id of the text about the problem, or None.

    Raises every error of Telegram that is not about this chat, because it proves nothing about the
    rights. A 429, a lost answer and a wrong token are such errors.
    """
    try:
        own_member = await bot.get_chat_member(chat_id, bot.id)
        if not isinstance(own_member, ChatMemberAdministrator) or not own_member.can_post_messages:
            return "channel-no-right"
        creator_member = await bot.get_chat_member(chat_id, creator_telegram_id)
    except (TelegramBadRequest, TelegramForbiddenError):
        # Telegram does not name the members of a channel to a bot that is not in it.
        return "channel-no-right"
    return None if isinstance(creator_member, ChatMemberOwner) else "channel-not-creator"
