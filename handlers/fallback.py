"""Handle updates that no other handler takes."""

import re

from aiogram import F, Router
from aiogram.enums import ChatType
from aiogram.filters import Command
from aiogram.types import CallbackQuery, ErrorEvent, Message
from aiogram_dialog.api.exceptions import OutdatedIntent, UnknownIntent, UnknownState
from aiogram_dialog.utils import CB_SEP

from bot.callbacks import OpenForm
from bot.card_callbacks import BuyFor, BuyHere
from bot.complaint_callbacks import OpenComplaintForm
from bot.context import RequestContext
from bot.matches import OUTSIDE_PRIVATE_CHAT, Matches
from bot.owner_callbacks import OpenChangeForm
from bot.screens import operators
from handlers import respond
from services.platform.actors import STAFF

router = Router(name="fallback")
"""The router of unknown buttons. It must come before the forms' router."""

_FORM_OPENERS = tuple(
    f"{kind.__prefix__}:" for kind in (OpenForm, OpenChangeForm, OpenComplaintForm, BuyHere, BuyFor)
)
"""The beginnings of the data of buttons that open forms."""
FORM_CLOSED = (OutdatedIntent, UnknownIntent, UnknownState)
"""The errors that aiogram-dialog raises for a button of a closed form."""


@router.message(Command(re.compile(r"\w+")), OUTSIDE_PRIVATE_CHAT)
async def refuse_unknown_command(message: Message, context: RequestContext) -> None:
    """Tell staff, and nobody else, that the bot does not know a command."""
    if context.actor.staff_role(*STAFF) is not None:
        await respond.show(message, operators.unknown_command(context.t))


@router.message(OUTSIDE_PRIVATE_CHAT)
async def ignore_group_message(_message: Message) -> None:
    """Ignore every message in a group that is not a command."""


@router.callback_query(Matches(F.message.chat.type != ChatType.PRIVATE))
@router.callback_query(Matches(~F.data))
@router.callback_query(Matches(~F.data.contains(CB_SEP) & ~F.data.startswith(_FORM_OPENERS)))
async def unknown_button(press: CallbackQuery, context: RequestContext) -> None:
    """Show an alert after a press of an unknown button."""
    await respond.alert(press, context.t("button-stale"))


async def answer_closed_form(event: ErrorEvent, context: RequestContext) -> None:
    """Answer a press of a closed form's button, or a message for a form whose draft is lost."""
    sent = event.update.callback_query or event.update.message
    if sent is not None:
        await respond.alert(sent, context.t("form-gone"))
