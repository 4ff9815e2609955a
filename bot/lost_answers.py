"""Notify a person later, through the outbox, that the bot's answer may not have arrived."""

from datetime import timedelta

from aiogram.exceptions import TelegramRetryAfter
from aiogram.types import CallbackQuery, Message, Update

from bot.context import Dependencies, database_errors
from services.platform import outbox, users

LATER = timedelta(seconds=5)
"""How long the message about a lost answer waits, if Telegram's error names no waiting time."""


async def answer_later(
    dependencies: Dependencies, inbox_id: int, update: Update, error: Exception
) -> None:
    """Queue a message that says that the answer to an update may be missing.

    The message goes to the chat of the update, after the waiting time that Telegram named in
    `error`, or after LATER. It does not repeat the answer, because the facts may have changed, and
    because the answer may have arrived. Nothing is queued if the update is no message and no press
    of a button, or if its chat is neither the admin chat nor a registered person's private chat.
    """
    event = update.event
    if not isinstance(event, Message | CallbackQuery) or event.from_user is None:
        return
    message = event.message if isinstance(event, CallbackQuery) else event
    chat_id = message.chat.id if message is not None else event.from_user.id
    due_in = LATER
    if isinstance(error, TelegramRetryAfter):
        due_in = timedelta(seconds=error.retry_after)
    async with database_errors(), dependencies.sessions.begin() as session:
        user_id = None
        if chat_id != dependencies.admin_chat.id:
            person = await users.by_telegram_id(session, chat_id)
            if person is None:
                return
            user_id = person.id
        await outbox.add(
            session,
            user_id=user_id,
            kind="answer_lost",
            payload={},
            key=f"answer-lost:{inbox_id}",
            due_in=due_in,
        )
