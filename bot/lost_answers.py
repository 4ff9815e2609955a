"""Queue a message for a person who may not have received the bot's answer.

The message is written into the outbox (the table of messages to send).
"""

from datetime import timedelta

from aiogram.exceptions import TelegramAPIError, TelegramRetryAfter
from aiogram.methods import AnswerCallbackQuery
from aiogram.types import CallbackQuery, Message, Update

from bot.context import Dependencies, database_errors
from services.platform import outbox, users

LATER = timedelta(seconds=5)
"""The time until the message is sent, if the error of the lost answer names no time."""
TEXT_LIMIT = 1_500
"""The largest number of characters of a lost answer that are stored. The rest is cut off, because
Telegram limits the length of a message."""


def _lost_text(error: Exception, chat_id: int) -> dict[str, str]:
    """Return a dictionary with the text of a failed call under the key `text`.

    The dictionary is empty if the call had no text, or was no answer in the chat `chat_id`.
    """
    method = error.method if isinstance(error, TelegramAPIError) else None
    lost = getattr(method, "text", None)
    answers_here = isinstance(method, AnswerCallbackQuery) or (
        getattr(method, "chat_id", None) == chat_id
    )
    if not answers_here or not isinstance(lost, str) or not lost:
        return {}
    return {"text": lost if len(lost) <= TEXT_LIMIT else lost[: TEXT_LIMIT - 1] + "…"}


async def answer_later(
    dependencies: Dependencies, inbox_id: int, update: Update, error: Exception
) -> None:
    """Queue a message that says that the answer to an update may be missing.

    The message contains the text of the lost answer, but not its buttons, because the facts may
    have changed. If the failed call was no answer (for example, it read data about a chat), the
    message only says that an answer may be missing.

    Nothing is queued if the update is no message and no press of a button. Nothing is queued either
    if the chat is neither the admin chat nor the private chat of a registered person.
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
            payload=_lost_text(error, chat_id),
            key=f"answer-lost:{inbox_id}",
            due_in=due_in,
        )
