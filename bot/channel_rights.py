"""What Telegram says about a channel: may the bot post there, and is a person its creator?"""

from aiogram import Bot
from aiogram.exceptions import TelegramAPIError, TelegramNetworkError, TelegramServerError
from aiogram.types import ChatMemberAdministrator, ChatMemberOwner


async def problem(bot: Bot, *, chat_id: int, creator_telegram_id: int) -> str | None:
    """Ask Telegram anew, and give the id of the text that says what is missing; None if nothing.

    Raises TelegramNetworkError and TelegramServerError: no answer proves nothing.
    """
    try:
        ours = await bot.get_chat_member(chat_id, bot.id)
        if not isinstance(ours, ChatMemberAdministrator) or not ours.can_post_messages:
            return "channel-no-right"
        theirs = await bot.get_chat_member(chat_id, creator_telegram_id)
    except (TelegramNetworkError, TelegramServerError):
        raise
    except TelegramAPIError:
        # Of a stranger Telegram does not even say who is in the channel.
        return "channel-no-right"
    return None if isinstance(theirs, ChatMemberOwner) else "channel-not-creator"
