"""List the bot's commands, and publish what Telegram shows: the commands and the descriptions.

`/help` shows the same lists.
"""

from collections.abc import Collection, Mapping
from contextlib import suppress

from aiogram import Bot
from aiogram.exceptions import TelegramForbiddenError, TelegramMigrateToChat
from aiogram.types import (
    BotCommand,
    BotCommandScopeAllGroupChats,
    BotCommandScopeAllPrivateChats,
    BotCommandScopeChat,
    BotCommandScopeUnion,
)

from bot.texts import DEFAULT_LANGUAGE, LANGUAGES, core
from db.models.users import Role
from services.platform.actors import MODERATORS, OPERATORS
from services.platform.actors import STAFF as STAFF_ROLES

PEOPLE = ("start", "cancel", "settings", "help", "paysupport", "terms", "privacy")
"""The commands for everybody in a private chat."""
GROUPS = ("help", "cancel")
"""The commands in any group. Their answer comes in the private chat."""
_EVERY, _MODERATORS, _OPERATORS, _SUPER = STAFF_ROLES, MODERATORS, OPERATORS, (Role.SUPER_ADMIN,)
ROLES: Mapping[str, Collection[Role]] = {
    **dict.fromkeys(("queue", "change", "reject"), _MODERATORS),
    **dict.fromkeys(("user", "campaign", "placement", "channel", "watch"), _MODERATORS),
    **dict.fromkeys(("withdrawals", "paid", "return", "deposits"), _MODERATORS),
    "dlq": _EVERY,
    **dict.fromkeys(("there", "payowner", "split"), _MODERATORS),
    "stop": _OPERATORS,
    **dict.fromkeys(("killswitch", "health"), _EVERY),
    "report": _OPERATORS,
    **dict.fromkeys(("ledger", "incidents"), _EVERY),
    **dict.fromkeys(("chainfile", "launch"), _OPERATORS),
    "corrections": _EVERY,
    **dict.fromkeys(("confirm", "refuse"), _MODERATORS),
    **dict.fromkeys(("requests", "staff"), _EVERY),
    **dict.fromkeys(("grant", "revoke"), _SUPER),
    **dict.fromkeys(GROUPS, _EVERY),
}
"""The commands of the admin chat, in their order, with the roles that can use each."""
STAFF = tuple(ROLES)


def of(roles: Collection[Role]) -> list[str]:
    """Return the commands of the admin chat that somebody with these roles can use."""
    return [name for name, allowed in ROLES.items() if set(allowed) & set(roles)]


async def publish(bot: Bot, admin_chat_id: int) -> None:
    """Publish the descriptions, and the commands for private chats, groups and the admin chat.

    If the admin chat has a new id or has removed the bot, its commands are not published.
    """
    for language in LANGUAGES:
        await _publish(bot, PEOPLE, BotCommandScopeAllPrivateChats(), language)
        await _publish(bot, GROUPS, BotCommandScopeAllGroupChats(), language)
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
