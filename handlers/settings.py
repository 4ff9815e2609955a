"""Language and time zone."""

from aiogram import F, Router
from aiogram.enums import ChatType
from aiogram.filters import Command
from aiogram.fsm.state import State, StatesGroup
from aiogram.types import CallbackQuery, Message
from aiogram_dialog import Dialog, DialogManager, Window
from aiogram_dialog.widgets.input import MessageInput

from bot import amounts
from bot.callbacks import ChooseLanguage, FormName, Go, OpenForm, Place
from bot.screens import menu
from bot.screens.outgoing import Outgoing
from bot.texts import Texts
from bot.turn import Turn
from handlers import answers, forms
from services import users

router = Router(name="settings")
openers = Router(name="settings_form")


class ZoneForm(StatesGroup):
    """One question: where the person is."""

    zone = State()


@router.callback_query(Go.filter(F.place == Place.SETTINGS))
@router.message(Command("settings"), F.chat.type == ChatType.PRIVATE)
async def show_settings(event: CallbackQuery | Message, turn: Turn) -> None:
    """Show language and time zone."""
    await answers.show(event, menu.settings(turn.t))


@router.callback_query(ChooseLanguage.filter())
async def choose_language(press: CallbackQuery, callback_data: ChooseLanguage, turn: Turn) -> None:
    """Keep the language, and speak it from here on."""
    async with turn.begin() as session:
        await users.choose_language(session, user_id=turn.user_id, language=callback_data.language)
    t = Texts(callback_data.language, turn.t.currency, turn.t.time_zone)
    await answers.show(press, menu.settings(t))


@openers.callback_query(OpenForm.filter(F.name == FormName.ZONE))
async def ask_zone(press: CallbackQuery, dialog_manager: DialogManager) -> None:  # noqa: ARG001
    """Ask for the time zone."""
    await forms.open_form(dialog_manager, ZoneForm.zone)


async def keep_zone(turn: Turn, text: str) -> bool:
    """Keep the zone that a person typed, if there is such a one; later times are shown in it."""
    zone = amounts.known_zone(text)
    if zone is None:
        return False
    async with turn.begin() as session:
        await users.set_time_zone(session, user_id=turn.user_id, time_zone=zone)
    turn.t = Texts(turn.t.language, turn.t.currency, zone)
    return True


async def _typed(message: Message, _input: MessageInput, manager: DialogManager) -> None:
    turn = forms.turn_of(manager)
    if await keep_zone(turn, message.text or ""):
        await forms.close(manager, menu.settings(turn.t))
    else:
        forms.complain(manager, turn.t("zone-unknown"))


async def _settings(_manager: DialogManager, turn: Turn) -> Outgoing:
    return menu.settings(turn.t)


zone_form = Dialog(
    Window(
        forms.Ask("zone-ask"),
        MessageInput(_typed),
        forms.ways_out(_settings, first=True),
        state=ZoneForm.zone,
    )
)
