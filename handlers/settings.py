"""Language and time zone."""

from aiogram import F, Router
from aiogram.enums import ChatType
from aiogram.filters import Command
from aiogram.fsm.state import State, StatesGroup
from aiogram.types import CallbackQuery, Message
from aiogram_dialog import Dialog, DialogManager, Window
from aiogram_dialog.widgets.input import MessageInput

from bot import formatting
from bot.callbacks import ChooseLanguage, FormName, Go, OpenForm, Place
from bot.context import RequestContext
from bot.screens import menu
from bot.screens.outgoing import Outgoing
from bot.texts import Texts
from handlers import forms, respond
from services.platform import users

router = Router(name="settings")
openers = Router(name="settings_form")


class ZoneForm(StatesGroup):
    """One question: where the person is."""

    zone = State()


@router.callback_query(Go.filter(F.place == Place.SETTINGS))
@router.message(Command("settings"), F.chat.type == ChatType.PRIVATE)
async def show_settings(event: CallbackQuery | Message, context: RequestContext) -> None:
    """Show language and time zone."""
    await respond.show(event, menu.settings(context.t))


@router.callback_query(ChooseLanguage.filter())
async def choose_language(
    press: CallbackQuery, callback_data: ChooseLanguage, context: RequestContext
) -> None:
    """Keep the language, and speak it from here on."""
    async with context.begin() as session:
        await users.choose_language(
            session, user_id=context.user_id, language=callback_data.language
        )
    t = Texts(callback_data.language, context.t.currency, context.t.time_zone)
    await respond.show(press, menu.settings(t))


@openers.callback_query(OpenForm.filter(F.name == FormName.ZONE))
async def ask_zone(press: CallbackQuery, dialog_manager: DialogManager) -> None:  # noqa: ARG001
    """Ask for the time zone."""
    await forms.open_form(dialog_manager, ZoneForm.zone)


async def keep_zone(context: RequestContext, text: str) -> bool:
    """Keep the zone that a person typed, if there is such a one; later times are shown in it."""
    zone = formatting.known_zone(text)
    if zone is None:
        return False
    async with context.begin() as session:
        await users.set_time_zone(session, user_id=context.user_id, time_zone=zone)
    context.t = Texts(context.t.language, context.t.currency, zone)
    return True


async def _typed(message: Message, _input: MessageInput, manager: DialogManager) -> None:
    context = forms.turn_of(manager)
    if await keep_zone(context, message.text or ""):
        await forms.close(manager, menu.settings(context.t))
    else:
        forms.complain(manager, context.t("zone-unknown"))


async def _settings(_manager: DialogManager, context: RequestContext) -> Outgoing:
    return menu.settings(context.t)


zone_form = Dialog(
    Window(
        forms.Ask("zone-ask"),
        MessageInput(_typed),
        forms.ways_out(_settings, first=True),
        state=ZoneForm.zone,
    )
)
