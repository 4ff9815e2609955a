"""Handle the settings of a person: the language and the time zone."""

from aiogram import F, Router
from aiogram.filters import Command
from aiogram.fsm.state import State, StatesGroup
from aiogram.types import CallbackQuery, Message
from aiogram_dialog import Dialog, DialogManager
from aiogram_dialog.widgets.input import MessageInput

from bot import time_zones
from bot.callbacks import ChooseLanguage, FormName, Go, OpenForm, Screen
from bot.context import RequestContext
from bot.matches import IN_PRIVATE_CHAT
from bot.screens import menu
from bot.screens.outgoing import Outgoing
from bot.texts import Texts
from handlers import forms, respond
from services.platform import users

router = Router(name="settings")
openers = Router(name="settings_form")


class ZoneForm(StatesGroup):
    """The only step of the form."""

    zone = State()


@router.callback_query(Go.filter(F.screen == Screen.SETTINGS))
@router.message(Command("settings"), IN_PRIVATE_CHAT)
async def show_settings(event: CallbackQuery | Message, context: RequestContext) -> None:
    """Show the person's language and time zone."""
    await respond.show(event, menu.settings(context.t))


@router.callback_query(ChooseLanguage.filter())
async def choose_language(
    press: CallbackQuery, callback_data: ChooseLanguage, context: RequestContext
) -> None:
    """Save the chosen language, and show the settings in this language."""
    async with context.begin() as session:
        await users.choose_language(
            session, user_id=context.user_id, language=callback_data.language
        )
    t = Texts(callback_data.language, context.t.currency, context.t.time_zone)
    await respond.show(press, menu.settings(t))


@openers.callback_query(OpenForm.filter(F.name == FormName.ZONE))
async def ask_zone(press: CallbackQuery, dialog_manager: DialogManager) -> None:  # noqa: ARG001 - a filter
    """Open the form for the person's time zone."""
    await forms.open_form(dialog_manager, ZoneForm.zone)


async def save_zone(message: Message, manager: DialogManager) -> bool:
    """Save a typed time zone. Return False if there is no such zone."""
    context = forms.context_of(manager)
    zone = time_zones.find(message.text or "")
    if zone is None:
        forms.show_error(manager, context.t("zone-unknown"))
        return False
    async with context.begin() as session:
        await users.set_time_zone(session, user_id=context.user_id, time_zone=zone)
    context.t = Texts(context.t.language, context.t.currency, zone)
    return True


async def _read_zone(message: Message, _input: MessageInput, manager: DialogManager) -> None:
    if await save_zone(message, manager):
        await forms.close_form(manager, menu.settings(forms.context_of(manager).t))


async def _settings_screen(_manager: DialogManager, context: RequestContext) -> Outgoing:
    return menu.settings(context.t)


zone_form = Dialog(
    forms.text_step(
        "zone-ask", _read_zone, state=ZoneForm.zone, after_cancel=_settings_screen, first=True
    )
)
