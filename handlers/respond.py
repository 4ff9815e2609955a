"""How a handler answers: a screen in place of the pressed one, or below what was written."""

from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest
from aiogram.types import CallbackQuery, Message

from bot.screens.outgoing import NO_PREVIEW, Outgoing

ALERT_LENGTH = 200
"""Telegram's limit for what answers a press."""
_TOO_OLD = "query is too old"
_NOT_MODIFIED = "message is not modified"


async def show(event: CallbackQuery | Message, screen: Outgoing) -> None:
    """Show a screen: a press edits its message and is answered, words get a new message."""
    if isinstance(event, Message):
        await send(_bot(event), event.chat.id, screen)
        return
    await replace(event, screen)
    await answer(event)


async def send(bot: Bot, chat_id: int, screen: Outgoing) -> None:
    """Send a screen as new messages."""
    for method in screen.methods(chat_id):
        await bot(method)


async def alert(event: CallbackQuery | Message, text: str) -> None:
    """Tell a person something that changes no screen: over the button, or as a message."""
    if isinstance(event, CallbackQuery):
        fits = len(text) <= ALERT_LENGTH
        if await answer(event, text if fits else None) and fits:
            return
    chat = event.message.chat if isinstance(event, CallbackQuery) and event.message else None
    if isinstance(event, Message):
        chat = event.chat
    if chat is not None:
        await _bot(event).send_message(chat.id, text, link_preview_options=NO_PREVIEW)


async def answer(press: CallbackQuery, text: str | None = None) -> bool:
    """Answer a press, as Telegram wants for each; tell whether it was still waiting for one.

    After a few minutes, for example of a restart, it is not.
    """
    try:
        await press.answer(text, show_alert=text is not None)
    except TelegramBadRequest as error:
        if not too_late(error):
            raise
        return False
    return True


def too_late(error: TelegramBadRequest) -> bool:
    """Tell whether Telegram does not wait for this answer any more, or has had it already."""
    return _TOO_OLD in error.message


async def replace(event: CallbackQuery, screen: Outgoing) -> None:
    """Put a screen in place of the pressed message, or below it where it can't be edited to it."""
    message = event.message
    if message is None:
        return
    if not isinstance(message, Message) or message.text is None or _needs_new(screen):
        await send(_bot(event), message.chat.id, screen)
        return
    try:
        await message.edit_text(
            screen.text, reply_markup=screen.inline, link_preview_options=NO_PREVIEW
        )
    except TelegramBadRequest as error:
        if _NOT_MODIFIED not in error.message:
            await send(_bot(event), message.chat.id, screen)


def _needs_new(screen: Outgoing) -> bool:
    return screen.ad is not None or (screen.keyboard is not None and screen.inline is None)


def _bot(event: CallbackQuery | Message) -> Bot:
    if event.bot is None:
        message = "an event that came through the dispatcher has its bot"
        raise LookupError(message)
    return event.bot
