"""The menu, and the pages of words."""

from aiogram import Bot, F, Router
from aiogram.enums import ChatType
from aiogram.filters import Command, CommandStart
from aiogram.types import CallbackQuery, Message, ReplyKeyboardRemove
from aiogram_dialog import DialogManager

from bot import texts
from bot.callbacks import Go, Place
from bot.context import RequestContext
from bot.screens import menu
from bot.screens.outgoing import Outgoing
from handlers import respond

PAGES = ("help", "paysupport", "terms", "privacy")

router = Router(name="start")
"""Pages and the menu's button: no form is touched."""
entrance = Router(name="entrance")
"""What closes an open form: it stands under the forms' router."""


@router.callback_query(Go.filter(F.place == Place.MENU))
async def show_menu(press: CallbackQuery, context: RequestContext) -> None:
    """Show the menu."""
    await respond.show(press, menu.menu(context.t))


@router.callback_query(Go.filter(F.place == Place.HELP))
async def show_help(press: CallbackQuery, context: RequestContext) -> None:
    """Show how it works."""
    await respond.show(press, menu.page(context.t, "help"))


@router.message(Command(*PAGES), F.chat.type == ChatType.PRIVATE)
async def show_page(message: Message, context: RequestContext) -> None:
    """Answer the commands that Telegram asks of bots that sell."""
    page = (message.text or "").split(maxsplit=1)[0][1:].partition("@")[0].lower()
    await respond.show(message, menu.page(context.t, page))


@entrance.message(CommandStart())
@entrance.message(Command("menu"))
async def start(message: Message, context: RequestContext, dialog_manager: DialogManager) -> None:
    """Greet, and close whichever form was open."""
    await dialog_manager.reset_stack(remove_keyboard=False)
    await respond.show(message, menu.menu(context.t))


@entrance.message(F.text.in_(texts.everywhere("cancel")))
async def put_keyboard_away(
    message: Message, context: RequestContext, bot: Bot, dialog_manager: DialogManager
) -> None:
    """Take the channel picker's keyboard away, and whichever form was open with it."""
    await dialog_manager.reset_stack(remove_keyboard=False)
    await respond.send(
        bot, message.chat.id, Outgoing(context.t("cancelled"), ReplyKeyboardRemove())
    )
    await respond.show(message, menu.menu(context.t))


lost = Router(name="lost")
"""Comes after every form: words that nobody asked for."""


@lost.message()
async def say_menu(message: Message, context: RequestContext) -> None:
    """Show the menu to a person who wrote something that fits nowhere."""
    screen = menu.menu(context.t)
    await respond.show(message, Outgoing(context.t("not-understood"), screen.keyboard))


@lost.callback_query()
async def say_stale(press: CallbackQuery, context: RequestContext) -> None:
    """Answer a button that would open a form that is not there."""
    await respond.alert(press, context.t("button-stale"))
