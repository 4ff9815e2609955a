"""Handle the form in which an owner gives buyers a link into a private channel."""

from typing import Any

from aiogram import Bot, F, Router
from aiogram.fsm.state import State, StatesGroup
from aiogram.types import CallbackQuery, Message
from aiogram_dialog import Dialog, DialogManager
from aiogram_dialog.widgets.input import MessageInput
from aiogram_dialog.widgets.kbd import Button

from bot.callbacks import FormName, OpenForm
from bot.context import RequestContext
from bot.errors import explain
from bot.screens.outgoing import Outgoing
from handlers import channels as channel_handlers
from handlers import forms
from handlers import managers as manager_handlers
from services.market import invite_links, managers
from services.platform.channel_errors import InviteLinkWrong

openers = Router(name="invite_link_form")


class InviteLinkForm(StatesGroup):
    """The only step of the form."""

    link = State()


@openers.callback_query(OpenForm.filter(F.name == FormName.INVITE))
async def open_invite_link_form(
    press: CallbackQuery,  # noqa: ARG001 - a filter
    callback_data: OpenForm,
    context: RequestContext,
    dialog_manager: DialogManager,
) -> None:
    """Open the form for a channel that the person owns or manages.

    Raises NotFound, NotChannelOwner.
    """
    async with context.read() as session:
        await managers.get_channel(session, actor=context.actor, channel_id=callback_data.id)
    await forms.open_form(dialog_manager, InviteLinkForm.link, channel_id=callback_data.id)


async def _present(dialog_manager: DialogManager, **_data: Any) -> dict[str, Any]:
    context = forms.context_of(dialog_manager)
    async with context.read() as session:
        row = await managers.get_channel(
            session, actor=context.actor, channel_id=_channel_id(dialog_manager)
        )
    return {
        "values": {"title": row.title, "link": row.invite_link or "none"},
        "link": row.invite_link,
    }


async def _read_link(message: Message, _input: MessageInput, manager: DialogManager) -> None:
    context = forms.context_of(manager)
    await _require_rights(manager)
    try:
        async with context.begin() as session:
            await invite_links.set(
                session,
                actor=context.actor,
                channel_id=_channel_id(manager),
                typed=message.text or "",
            )
    except InviteLinkWrong as error:
        forms.show_error(manager, explain(context.t, error))
        return
    await forms.close_form(manager, await _channel(manager, context))


async def _remove(_press: CallbackQuery, _button: Button, manager: DialogManager) -> None:
    context = forms.context_of(manager)
    await _require_rights(manager)
    async with context.begin() as session:
        await invite_links.remove(session, actor=context.actor, channel_id=_channel_id(manager))
    await forms.close_form(manager, await _channel(manager, context))


async def _require_rights(manager: DialogManager) -> None:
    bot: Bot = manager.middleware_data["bot"]
    await manager_handlers.require_rights(forms.context_of(manager), bot, _channel_id(manager))


async def _channel(manager: DialogManager, context: RequestContext) -> Outgoing:
    return await channel_handlers.card_screen(context, _channel_id(manager))


def _channel_id(manager: DialogManager) -> int:
    start: Any = manager.start_data
    return int(start["channel_id"])


form = Dialog(
    forms.text_step(
        "card-invite-ask",
        _read_link,
        Button(forms.Translated("card-invite-remove"), "remove", on_click=_remove, when="link"),
        state=InviteLinkForm.link,
        after_cancel=_channel,
        first=True,
        getter=_present,
    )
)
