"""Queue a message for a person who may not have received the bot's answer."""

from datetime import timedelta

from aiogram.exceptions import TelegramAPIError, TelegramRetryAfter
from aiogram.methods import AnswerCallbackQuery, SendInvoice
from aiogram.types import CallbackQuery, Message, Update

from bot import kept_buttons, names
from bot.context import Dependencies, database_errors
from services.platform import lanes, outbox, users

LATER = timedelta(seconds=5)
"""The time until the message is sent, if Telegram's error names no time."""
TEXT_LIMIT = 1_500
"""The largest number of stored characters of a lost answer."""


def _what_is_lost(error: Exception, chat_id: int) -> dict[str, str | bool]:
    """Return {"text": ...} for a failed answer with a text in the chat, else {}.

    For an invoice, the result is {"invoice": True}.
    """
    method = error.method if isinstance(error, TelegramAPIError) else None
    if isinstance(method, SendInvoice):
        return {"invoice": True}
    lost = getattr(method, "text", None)
    answers_here = isinstance(method, AnswerCallbackQuery) or (
        getattr(method, "chat_id", None) == chat_id
    )
    if not answers_here or not isinstance(lost, str) or not lost:
        return {}
    return {"text": names.shorten(lost, TEXT_LIMIT)}


def _buttons(error: Exception) -> object:
    """Return the keyboard of a failed answer, or None."""
    method = error.method if isinstance(error, TelegramAPIError) else None
    return getattr(method, "reply_markup", None)


def _is_about_switches(event: Message | CallbackQuery) -> bool:
    if isinstance(event, CallbackQuery):
        return (event.data or "").startswith(lanes.SWITCH_BUTTONS)
    return lanes.is_switch_command(event.text or "")


async def answer_later(
    dependencies: Dependencies, inbox_id: int, update: Update, error: Exception
) -> None:
    """Queue a message that says that the answer to an update may be missing.

    The message contains the text and the buttons of the answer, or a button for a new invoice. In
    the admin chat, an answer about kill switches has the priority of an alarm. Nothing is queued
    unless the update is a message or a press in the admin chat or in a registered person's private
    chat.
    """
    event = update.event
    if not isinstance(event, Message | CallbackQuery) or event.from_user is None:
        return
    message = event.message if isinstance(event, CallbackQuery) else event
    chat_id = message.chat.id if message is not None else event.from_user.id
    due_in = LATER
    if isinstance(error, TelegramRetryAfter):
        due_in = timedelta(seconds=error.retry_after)
    lost = _what_is_lost(error, chat_id)
    token = dependencies.settings.bot_token.get_secret_value()
    async with database_errors(), dependencies.sessions.begin() as session:
        user_id = None
        if chat_id != dependencies.admin_chat.id:
            person = await users.by_telegram_id(session, chat_id)
            if person is None:
                return
            user_id = person.id
        is_urgent = user_id is None and _is_about_switches(event)
        await outbox.add(
            session,
            user_id=user_id,
            kind="switch_answer_lost" if is_urgent else "answer_lost",
            payload=kept_buttons.keep(token, user_id, lost, _buttons(error)) if lost else {},
            key=f"answer-lost:{inbox_id}",
            due_in=due_in,
        )
