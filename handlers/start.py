"""The menu, and the pages of words."""

from aiogram import Bot, F, Router
from aiogram.enums import ChatType
from aiogram.filters import Command, CommandStart
from aiogram.types import CallbackQuery, Message, ReplyKeyboardRemove
from aiogram_dialog import DialogManager

from bot import texts
from bot.callbacks import Go, Place
from bot.screens import menu
from bot.screens.outgoing import Outgoing
from bot.turn import Turn
from handlers import answers

PAGES = ("help", "paysupport", "terms", "privacy")

router = Router(name="start")
"""Pages and the menu's button: no form is touched."""
entrance = Router(name="entrance")
"""What closes an open form: it stands under the forms' router."""


@router.callback_query(Go.filter(F.place == Place.MENU))
async def show_menu(press: CallbackQuery, turn: Turn) -> None:
    """Show the menu."""
    await answers.show(press, menu.menu(turn.t))


@router.callback_query(Go.filter(F.place == Place.HELP))
async def show_help(press: CallbackQuery, turn: Turn) -> None:
    """Show how it works."""
    await answers.show(press, menu.page(turn.t, "help"))


@router.message(Command(*PAGES), F.chat.type == ChatType.PRIVATE)
async def show_page(message: Message, turn: Turn) -> None:
    """Answer the commands that Telegram asks of bots that sell."""
    page = (message.text or "").split(maxsplit=1)[0][1:].partition("@")[0].lower()
    await answers.show(message, menu.page(turn.t, page))


@entrance.message(CommandStart())
@entrance.message(Command("menu"))
async def start(message: Message, turn: Turn, dialog_manager: DialogManager) -> None:
    """Greet, and close whichever form was open."""
    await dialog_manager.reset_stack(remove_keyboard=False)
    await answers.show(message, menu.menu(turn.t))


@entrance.message(F.text.in_(texts.everywhere("cancel")))
async def put_keyboard_away(
    message: Message, turn: Turn, bot: Bot, dialog_manager: DialogManager
) -> None:
    """Take the channel picker's keyboard away, and whichever form was open with it."""
    await dialog_manager.reset_stack(remove_keyboard=False)
    await answers.send(bot, message.chat.id, Outgoing(turn.t("cancelled"), ReplyKeyboardRemove()))
    await answers.show(message, menu.menu(turn.t))


lost = Router(name="lost")
"""Comes after every form: words that nobody asked for."""


@lost.message()
async def say_menu(message: Message, turn: Turn) -> None:
    """Show the menu to a person who wrote something that fits nowhere."""
    screen = menu.menu(turn.t)
    await answers.show(message, Outgoing(turn.t("not-understood"), screen.keyboard))


@lost.callback_query()
async def say_stale(press: CallbackQuery, turn: Turn) -> None:
    """Answer a button that would open a form that is not there."""
    await answers.alert(press, turn.t("button-stale"))
