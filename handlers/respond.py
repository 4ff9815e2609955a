"""Answer updates. A press of a button edits the button's message, and a text gets a new message."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest
from aiogram.types import CallbackQuery, Message

from bot.screens.outgoing import NO_PREVIEW, Outgoing
from bot.telegram.answers import answer_press
from services.platform import errors

ALERT_LENGTH = 200
"""Telegram's limit for the text that answers a press, in characters."""
_NOT_MODIFIED = "message is not modified"


async def show(event: CallbackQuery | Message, screen: Outgoing) -> None:
    """Show a screen as the answer to an update.

    After a press of a button, the screen replaces the pressed message, and Telegram gets an answer
    to the press. After a message, the screen is a new message.
    """
    if isinstance(event, Message):
        await send(_bot(event), event.chat.id, screen)
        return
    await replace(event, screen)
    await answer_press(event)


@asynccontextmanager
async def show_result(
    press: CallbackQuery, read_screen: Callable[[], Awaitable[Outgoing]]
) -> AsyncIterator[None]:
    """Run the `with` block, which carries out a decision, and then show what `read_screen` returns.

    If the block raises InvalidMove, the button was out of date. In this case the screen is shown
    too, but the error is raised again, and the error's handler answers the press.
    """
    try:
        yield
    except errors.InvalidMove:
        await replace(press, await read_screen())
        raise
    await show(press, await read_screen())


async def send(bot: Bot, chat_id: int, screen: Outgoing) -> None:
    """Send a screen to a chat as new messages."""
    for method in screen.methods(chat_id):
        await bot(method)


async def alert(event: CallbackQuery | Message, text: str) -> None:
    """Show a text as the answer to an update, and leave the pressed message as it is.

    After a press of a button, the text is shown as an alert. If it is too long for an alert, or if
    the answer to the press comes too late, it is sent as a message. After a message, it is always
    sent as a message.
    """
    if isinstance(event, CallbackQuery):
        fits = len(text) <= ALERT_LENGTH
        if await answer_press(event, text if fits else None) and fits:
            return
    chat = event.message.chat if isinstance(event, CallbackQuery) and event.message else None
    if isinstance(event, Message):
        chat = event.chat
    if chat is not None:
        await _bot(event).send_message(chat.id, text, link_preview_options=NO_PREVIEW)


async def replace(event: CallbackQuery, screen: Outgoing) -> None:
    """Replace the pressed message with a screen, or send a new message if it cannot be edited.

    The press itself is not answered.
    """
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
        message = "the event did not come through the dispatcher, so it has no bot"
        raise LookupError(message)
    return event.bot
