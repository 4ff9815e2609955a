"""Publish what Telegram shows about the bot: the lists of commands and the descriptions."""

from contextlib import suppress

from aiogram import Bot
from aiogram.exceptions import TelegramForbiddenError, TelegramMigrateToChat
from aiogram.types import (
    BotCommand,
    BotCommandScopeAllPrivateChats,
    BotCommandScopeChat,
    BotCommandScopeUnion,
)

from bot.texts import DEFAULT_LANGUAGE, LANGUAGES, core

PEOPLE = ("start", "cancel", "settings", "help", "paysupport", "terms", "privacy")
STAFF = (
    *("queue", "change", "withdrawals", "paid", "return", "deposits", "dlq", "there", "payowner"),
    *("stop", "killswitch", "health", "report", "ledger", "incidents", "chainfile", "launch"),
    *("corrections", "confirm", "refuse"),
    *("requests", "staff", "grant", "revoke"),
)


async def publish(bot: Bot, admin_chat_id: int) -> None:
    """Publish the descriptions, and the commands for private chats and for the admin chat.

    If the admin chat has a new id or has removed the bot, its commands are not published.
    """
    for language in LANGUAGES:
        await _publish(bot, PEOPLE, BotCommandScopeAllPrivateChats(), language)
        # People see the description in an empty chat, and the short one in the bot's profile.
        code = _code(language)
        await bot.set_my_description(core().get("bot-description", language), language_code=code)
        await bot.set_my_short_description(core().get("bot-about", language), language_code=code)
    with suppress(TelegramMigrateToChat, TelegramForbiddenError):
        await publish_to_staff(bot, admin_chat_id)


async def publish_to_staff(bot: Bot, admin_chat_id: int) -> None:
    """Publish the staff's commands in the admin chat."""
    for language in LANGUAGES:
        await _publish(bot, STAFF, BotCommandScopeChat(chat_id=admin_chat_id), language)


async def _publish(
    bot: Bot, names: tuple[str, ...], scope: BotCommandScopeUnion, language: str
) -> None:
    commands = [
        BotCommand(command=name, description=core().get(f"command-{name}", language))
        for name in names
    ]
    await bot.set_my_commands(commands, scope=scope, language_code=_code(language))


def _code(language: str) -> str | None:
    """Return Telegram's code for a language. None is for everybody without an own list."""
    return None if language == DEFAULT_LANGUAGE else language
