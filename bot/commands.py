"""Publish the lists of commands that Telegram suggests to people."""

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
    *("queue", "change", "reject", "user", "campaign", "placement", "channel", "watch"),
    *("withdrawals", "paid", "return", "deposits", "dlq", "there", "payowner", "split"),
    *("stop", "killswitch", "health", "report", "ledger", "incidents", "chainfile", "launch"),
    *("corrections", "confirm", "refuse"),
    *("requests", "staff", "grant", "revoke"),
)


async def publish(bot: Bot, admin_chat_id: int) -> None:
    """Publish the commands for private chats and for the admin chat.

    If the admin chat has a new id or has removed the bot, its commands are not published.
    """
    for language in LANGUAGES:
        await _publish(bot, PEOPLE, BotCommandScopeAllPrivateChats(), language)
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
    code = None if language == DEFAULT_LANGUAGE else language
    await bot.set_my_commands(commands, scope=scope, language_code=code)
