"""Handle the menu, the fixed texts, and messages without a handler."""

from aiogram import Bot, F, Router
from aiogram.enums import ChatType
from aiogram.filters import Command, CommandStart
from aiogram.types import CallbackQuery, Message, ReplyKeyboardRemove
from aiogram_dialog import DialogManager

from bot import texts
from bot.callbacks import Go, Screen
from bot.context import RequestContext
from bot.screens import menu
from bot.screens.outgoing import Outgoing
from handlers import respond
from services.market import menu_facts

# Telegram requires some of these texts from bots that sell something.
PAGES = ("help", "terms", "privacy")

router = Router(name="start")
"""The router of handlers that leave an open form open."""
form_closers = Router(name="form_closers")
"""The router of handlers that close an open form. The forms' router must contain it."""
unmatched = Router(name="unmatched")
"""The router of updates that no other handler and no form takes."""


async def _menu(context: RequestContext) -> Outgoing:
    async with context.read_once() as session:
        facts = await menu_facts.read(session, context.user_id)
    return menu.menu(context.t, facts)


@router.callback_query(Go.filter(F.screen == Screen.MENU))
async def show_menu(press: CallbackQuery, context: RequestContext) -> None:
    """Show the menu after a press of a button."""
    await respond.show(press, await _menu(context))


@router.callback_query(Go.filter(F.screen == Screen.HELP))
async def show_help(press: CallbackQuery, context: RequestContext) -> None:
    """Show the help text after a press of a button."""
    await respond.show(press, menu.page(context.t, "help"))


@router.message(Command("paysupport"), F.chat.type == ChatType.PRIVATE)
async def show_payment_support(message: Message, context: RequestContext) -> None:
    """Show where people get help with a payment (required by Telegram)."""
    contact = context.settings.support_contact
    await respond.show(message, menu.payment_support(context.t, contact))


@router.message(Command(*PAGES), F.chat.type == ChatType.PRIVATE)
async def show_page(message: Message, context: RequestContext) -> None:
    """Show the fixed text of a command, for example `/terms`."""
    page = (message.text or "").split(maxsplit=1)[0][1:].partition("@")[0].lower()
    await respond.show(message, menu.page(context.t, page))


@form_closers.message(CommandStart())
@form_closers.message(Command("menu"))
async def start(message: Message, context: RequestContext, dialog_manager: DialogManager) -> None:
    """Close an open form, and show the menu."""
    await dialog_manager.reset_stack(remove_keyboard=False)
    await respond.show(message, await _menu(context))


@form_closers.message(Command("cancel"))
@form_closers.message(F.text.in_(texts.in_all_languages("cancel")))
async def cancel(
    message: Message, context: RequestContext, bot: Bot, dialog_manager: DialogManager
) -> None:
    """Close an open form, remove the channel picker's keyboard, and show the menu."""
    await dialog_manager.reset_stack(remove_keyboard=False)
    await respond.send(
        bot, message.chat.id, Outgoing(context.t("cancelled"), ReplyKeyboardRemove())
    )
    await respond.show(message, await _menu(context))


@unmatched.message()
async def show_menu_for_unexpected(message: Message, context: RequestContext) -> None:
    """Answer that the bot did not understand a message, and show the menu."""
    screen = await _menu(context)
    await respond.show(message, Outgoing(context.t("not-understood"), screen.keyboard))


@unmatched.callback_query()
async def answer_stale_button(press: CallbackQuery, context: RequestContext) -> None:
    """Show an alert after a press of an unknown button."""
    await respond.alert(press, context.t("button-stale"))
