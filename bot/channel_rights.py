"""Ask Telegram whether the bot may post in a channel, and whether a person is its creator."""

from aiogram import Bot
from aiogram.exceptions import TelegramAPIError, TelegramNetworkError, TelegramServerError
from aiogram.types import ChatMemberAdministrator, ChatMemberOwner


async def find_problem(bot: Bot, *, chat_id: int, creator_telegram_id: int) -> str | None:
    """Check the rights in a channel; return the id of the text about the problem, or None.

    There is a problem if the bot may not post in the channel, or if the person is not the channel's
    creator. Raises TelegramNetworkError or TelegramServerError if Telegram gives no answer, because
    a missing answer proves nothing.
    """
    try:
        bot_member = await bot.get_chat_member(chat_id, bot.id)
        if not isinstance(bot_member, ChatMemberAdministrator) or not bot_member.can_post_messages:
            return "channel-no-right"
        creator_member = await bot.get_chat_member(chat_id, creator_telegram_id)
    except (TelegramNetworkError, TelegramServerError):
        raise
    except TelegramAPIError:
        # If the bot is not in the channel, Telegram refuses to answer about the channel's members.
        return "channel-no-right"
    return None if isinstance(creator_member, ChatMemberOwner) else "channel-not-creator"
