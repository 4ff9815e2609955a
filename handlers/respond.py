"""Answer updates: edit the message of a pressed button, or send a new message."""

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

    After a press of a button, the screen replaces the message of the button, and Telegram gets an
    answer to the press. After a message of a person, the screen is a new message.
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
    """Run the `with` block, and then show the screen that `read_screen` returns.

    The block carries out the decision of a pressed button. If the block raises InvalidMove, the
    button was out of date. The screen is then shown too, and the error is raised again. The error
    handler answers the press.
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
    """Show a text as the answer to an update. The message of a pressed button does not change.

    After a press of a button, the text is shown as an alert. If the text is too long for an alert,
    or if the answer to the press comes too late, the text is sent as a message. After a message of
    a person, the text is always sent as a message.
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
    """Replace the message of a pressed button with a screen.

    If the message cannot be edited, the screen is a new message. This function does not answer the
    press.
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
