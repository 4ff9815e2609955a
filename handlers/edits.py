"""Answer to people who edit a message while a form waits for their answer."""

from aiogram import Bot, Router
from aiogram.fsm.storage.base import StorageKey
from aiogram.types import Message

from bot.context import RequestContext
from bot.matches import IN_PRIVATE_CHAT
from bot.screens.outgoing import Outgoing
from handlers import respond

router = Router(name="edits")
_STACK = "aiogd:stack:"
"""The name under which aiogram-dialog stores the open forms of a private chat."""


@router.edited_message(IN_PRIVATE_CHAT)
async def hint(message: Message, context: RequestContext, bot: Bot) -> None:
    """Say once for a message that the bot reads no edits, if a form waits for an answer.

    An edit never does anything else: what was read stays as the person has sent it first.
    """
    storage = context.dependencies.storage
    chat_id = message.chat.id
    key = StorageKey(bot_id=bot.id, chat_id=chat_id, user_id=chat_id, destiny=_STACK)
    note = f"edit:{chat_id}:{message.message_id}"
    if not (await storage.get_data(key)).get("intents") or await storage.read_note(note):
        return
    await storage.write_note(note, "told")
    await respond.show(message, Outgoing(context.t("edit-not-read")))
