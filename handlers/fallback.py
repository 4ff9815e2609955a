"""Handle presses that no other handler takes, and messages in groups."""

from aiogram import F, Router
from aiogram.enums import ChatType
from aiogram.types import CallbackQuery, ErrorEvent, Message
from aiogram_dialog.api.exceptions import OutdatedIntent, UnknownIntent, UnknownState
from aiogram_dialog.utils import CB_SEP

from bot.callbacks import OpenForm
from bot.context import RequestContext
from handlers import respond

router = Router(name="fallback")
"""Comes before the forms' router: a form must not take an unknown button for its own."""

FORM_CLOSED = (OutdatedIntent, UnknownIntent, UnknownState)
"""The errors of aiogram-dialog for a button of a form that is closed."""


@router.message(F.chat.type != ChatType.PRIVATE)
async def ignore_group_message(_message: Message) -> None:
    """Ignore messages in groups: only commands there are for the bot."""


@router.callback_query(F.message.chat.type != ChatType.PRIVATE)
@router.callback_query(~F.data)
@router.callback_query(~F.data.contains(CB_SEP) & ~F.data.startswith(f"{OpenForm.__prefix__}:"))
async def unknown_button(press: CallbackQuery, context: RequestContext) -> None:
    """Answer a forged button, or one of an older version, with an alert; change nothing."""
    await respond.alert(press, context.t("button-stale"))


async def answer_closed_form(event: ErrorEvent, context: RequestContext) -> None:
    """Answer a button of a closed form with an alert."""
    press = event.update.callback_query
    if press is not None:
        await respond.alert(press, context.t("form-gone"))
