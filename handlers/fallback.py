"""Presses that nobody else takes, and words in groups that are not for the bot."""

from aiogram import F, Router
from aiogram.enums import ChatType
from aiogram.types import CallbackQuery, ErrorEvent, Message
from aiogram_dialog.api.exceptions import OutdatedIntent, UnknownIntent, UnknownState
from aiogram_dialog.utils import CB_SEP

from bot.callbacks import OpenForm
from bot.context import RequestContext
from handlers import respond

router = Router(name="stale")
"""Stands above the forms' router: a form must not take an unknown button for its own."""

FORM_GONE = (OutdatedIntent, UnknownIntent, UnknownState)


@router.message(F.chat.type != ChatType.PRIVATE)
async def not_for_us(_message: Message) -> None:
    """Groups talk; only commands there are for the bot."""


@router.callback_query(F.message.chat.type != ChatType.PRIVATE)
@router.callback_query(~F.data)
@router.callback_query(~F.data.contains(CB_SEP) & ~F.data.startswith(f"{OpenForm.__prefix__}:"))
async def unknown_button(press: CallbackQuery, context: RequestContext) -> None:
    """Answer a button of an older version, or a forged one; it changes nothing."""
    await respond.alert(press, context.t("button-stale"))


async def form_gone(event: ErrorEvent, context: RequestContext) -> None:
    """Answer a button of a form that is closed."""
    press = event.update.callback_query
    if press is not None:
        await respond.alert(press, context.t("form-gone"))
