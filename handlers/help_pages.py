"""Tell people what they can do here, by what they are, and end what they have begun in a group."""

from contextlib import suppress

from aiogram import Bot, F, Router
from aiogram.exceptions import TelegramForbiddenError
from aiogram.filters import Command, CommandObject
from aiogram.types import CallbackQuery, Message

from bot import commands
from bot.callbacks import Go, Screen
from bot.context import RequestContext
from bot.matches import IN_PRIVATE_CHAT, OUTSIDE_PRIVATE_CHAT
from bot.screens import help_pages as screens
from bot.screens.outgoing import Outgoing
from handlers import respond
from services.market import card_readers, menu_facts
from services.platform.actors import STAFF

router = Router(name="help_pages")


async def screen(context: RequestContext) -> Outgoing:
    """Build the help of a person for the private chat."""
    async with context.read_quickly() as session:
        sides = await menu_facts.sides(session, context.user_id)
    return screens.private(context.t, sides, context.actor.roles, commands.PEOPLE)


@router.callback_query(Go.filter(F.screen == Screen.HELP))
@router.message(Command("help"), IN_PRIVATE_CHAT)
async def show(event: CallbackQuery | Message, context: RequestContext) -> None:
    """Show the help in the private chat."""
    await respond.show(event, await screen(context))


@router.message(Command("start", "help"), OUTSIDE_PRIVATE_CHAT)
async def show_in_group(
    message: Message, command: CommandObject, context: RequestContext, bot: Bot
) -> None:
    """Show the staff their commands in the admin chat. Others get `/help` in their private chat."""
    if context.actor.staff_role(*STAFF) is not None:
        roles = context.actor.roles
        await respond.show(message, screens.staff(context.t, roles, commands.of(roles)))
    elif command.command == "help":
        await _send_privately(message, bot, await screen(context))


@router.message(Command("cancel"), OUTSIDE_PRIVATE_CHAT)
async def cancel_in_group(message: Message, context: RequestContext, bot: Bot) -> None:
    """Give back the cards that a member of the staff has taken.

    Nothing else is begun and not ended in a group, and the others are told so in private.
    """
    if context.actor.staff_role(*STAFF) is None:
        await _send_privately(message, bot, Outgoing(context.t("cancel-group")))
        return
    async with context.begin() as session:
        given_back = await card_readers.give_back_all(session, actor=context.actor)
    await respond.show(message, screens.cancelled(context.t, given_back))


async def _send_privately(message: Message, bot: Bot, answer: Outgoing) -> None:
    """Answer a message of a group in the private chat. The bot writes to no group of others."""
    if message.from_user is not None:
        with suppress(TelegramForbiddenError):  # the person has never written to the bot
            await respond.send(bot, message.from_user.id, answer)
