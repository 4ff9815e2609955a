"""Handle the button with which a super admin confirms the admin chat's new id from Telegram."""

import structlog
from aiogram import Bot, Router
from aiogram.exceptions import TelegramBadRequest, TelegramForbiddenError
from aiogram.types import CallbackQuery

from bot import commands
from bot.callbacks import ConfirmAdminChat
from bot.context import RequestContext
from bot.screens import admin_chat as screens
from db.models.users import Role
from handlers import respond
from services.platform import chat_migrations, errors

log = structlog.get_logger(__name__)
router = Router(name="admin_chat")


@router.callback_query(ConfirmAdminChat.filter())
async def confirm(press: CallbackQuery, context: RequestContext, bot: Bot) -> None:
    """Confirm that the admin chat has moved to the chat of the pressed button.

    Raises AccessDenied if the person is not a super admin; AdminChatNotMoved if Telegram does not
    confirm the new id.
    """
    admin_chat = context.dependencies.admin_chat
    old_chat_id = admin_chat.id
    if Role.SUPER_ADMIN not in context.actor.roles:
        raise errors.AccessDenied("admin_chat_confirm")
    if press.message is None or not await _is_at(bot, old_chat_id, press.message.chat.id):
        raise errors.AdminChatNotMoved
    async with context.begin() as session:
        await chat_migrations.confirm(
            session,
            actor=context.actor,
            old_chat_id=old_chat_id,
            new_chat_id=press.message.chat.id,
        )
    async with context.read() as session:
        await admin_chat.refresh(session)
    log.warning("admin chat moved", new_chat_id=admin_chat.id)
    await respond.show(press, screens.confirmed(context.t))
    await commands.publish_to_staff(bot, admin_chat.id)


async def _is_at(bot: Bot, old_chat_id: int, new_chat_id: int) -> bool:
    """Return whether Telegram gave the chat `old_chat_id` the id `new_chat_id`."""
    try:
        return (await bot.get_chat(old_chat_id)).id == new_chat_id
    except (TelegramBadRequest, TelegramForbiddenError):
        return False
