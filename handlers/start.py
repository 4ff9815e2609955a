"""Handle the menu, the fixed texts, and messages without a handler."""

from aiogram import Bot, F, Router
from aiogram.filters import Command, CommandStart
from aiogram.types import CallbackQuery, Message, ReplyKeyboardRemove
from aiogram_dialog import DialogManager

from bot import texts
from bot.callbacks import Go, Screen
from bot.context import RequestContext
from bot.matches import IN_PRIVATE_CHAT, Matches
from bot.screens import menu
from bot.screens.outgoing import Outgoing
from handlers import respond
from services.market import menu_facts

# Telegram requires these texts from bots that sell something.
PAGES = ("terms", "privacy")

router = Router(name="start")
"""The router of handlers that leave an open form open."""
form_closers = Router(name="form_closers")
"""The router of handlers that close an open form. The forms' router must contain it."""
unmatched = Router(name="unmatched")
"""The router of updates that no other handler and no form takes."""


async def menu_screen(context: RequestContext) -> Outgoing:
    """Build the menu of the person."""
    async with context.read_quickly() as session:
        facts = await menu_facts.read(session, context.user_id)
    return menu.menu(context.t, facts)


@router.callback_query(Go.filter(F.screen == Screen.MENU))
async def show_menu(press: CallbackQuery, context: RequestContext) -> None:
    """Show the menu after a press of a button."""
    await respond.show(press, await menu_screen(context))


@router.message(Command(*PAGES), IN_PRIVATE_CHAT)
async def show_page(message: Message, context: RequestContext) -> None:
    """Show the fixed text of a command, for example `/terms`."""
    page = (message.text or "").split(maxsplit=1)[0][1:].partition("@")[0].lower()
    await respond.show(message, menu.page(context.t, page))


@form_closers.message(CommandStart())
@form_closers.message(Command("menu"))
async def start(message: Message, context: RequestContext, dialog_manager: DialogManager) -> None:
    """Close an open form, and show the menu."""
    await dialog_manager.reset_stack(remove_keyboard=False)
    await respond.show(message, await menu_screen(context))


@form_closers.message(Command("cancel"))
@form_closers.message(Matches(F.text.in_(texts.in_all_languages("cancel"))))
async def cancel(
    message: Message, context: RequestContext, bot: Bot, dialog_manager: DialogManager
) -> None:
    """Close an open form, remove the channel picker's keyboard, and show the menu."""
    # The word without a slash is the button of the channel picker.
    is_open = dialog_manager.has_context() or (message.text or "")[:1] != "/"
    await dialog_manager.reset_stack(remove_keyboard=False)
    said = context.t("cancelled" if is_open else "cancel-nothing")
    await respond.send(bot, message.chat.id, Outgoing(said, ReplyKeyboardRemove()))
    await respond.show(message, await menu_screen(context))


@unmatched.message()
async def show_menu_for_unexpected(message: Message, context: RequestContext) -> None:
    """Answer that the bot did not understand a message, and show the menu."""
    screen = await menu_screen(context)
    await respond.show(message, Outgoing(context.t("not-understood"), screen.keyboard))


@unmatched.callback_query()
async def answer_stale_button(press: CallbackQuery, context: RequestContext) -> None:
    """Show an alert after a press of an unknown button."""
    await respond.alert(press, context.t("button-stale"))
