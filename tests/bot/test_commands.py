"""Test what Telegram shows about the bot."""

from aiogram.types import (
    BotCommandScopeAllGroupChats,
    BotCommandScopeAllPrivateChats,
    BotCommandScopeChat,
)

from bot import commands
from tests.handlers.marketplace import Marketplace


async def test_people_read_commands_and_descriptions_in_their_language(market: Marketplace) -> None:
    bot, group = market.bot, market.chat("group")
    await commands.publish(bot, group)
    in_russian = await bot.get_my_commands(BotCommandScopeAllPrivateChats(), language_code="ru")
    assert [command.command for command in in_russian] == list(commands.PEOPLE)
    in_groups = await bot.get_my_commands(BotCommandScopeAllGroupChats(), language_code="ru")
    assert [command.command for command in in_groups] == list(commands.GROUPS)
    staff = await bot.get_my_commands(BotCommandScopeChat(chat_id=group))
    assert [command.command for command in staff] == list(commands.STAFF)
    assert (await bot.get_my_description()).description.startswith("Buy advertising posts")
    russian = await bot.get_my_description(language_code="ru")
    assert russian.description.startswith("Покупайте рекламные посты")
    about = await bot.get_my_short_description(language_code="ru")
    assert about.short_description.startswith("Реклама в каналах")
    assert (await bot.get_my_short_description()).short_description.startswith("Ads in Telegram")
