"""Answer updates: edit the message of a pressed button, or send a new message."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest
from aiogram.types import CallbackQuery, Message

from bot.screens.outgoing import NO_PREVIEW, Outgoing
from bot.telegram.answers import answer_press
from services.platform import errors
from services.platform.agreement_errors import (
    AlreadyAnswered,
    AnswerTooLate,
    CancelTooLate,
    NotAgreed,
    VersionChanged,
)
from services.platform.complaint_errors import ComplaintMovedOn

ALERT_LENGTH = 200
"""Telegram's limit for the answer to a press, in characters."""
_NOT_MODIFIED = "message is not modified"
_TOO_LATE = (
    errors.InvalidMove,
    AlreadyAnswered,
    AnswerTooLate,
    CancelTooLate,
    NotAgreed,
    VersionChanged,
    ComplaintMovedOn,
)
"""The errors after which the person needs to see the present state."""


async def show(event: CallbackQuery | Message, screen: Outgoing) -> None:
    """Show a screen: replace the message of a pressed button, or send a new message."""
    if isinstance(event, Message):
        await send(_bot(event), event.chat.id, screen)
        return
    # Both are on their way at the same time, and both have ended when this function returns.
    shown, answered = await asyncio.gather(
        replace(event, screen), answer_press(event), return_exceptions=True
    )
    for outcome in (shown, answered):
        if isinstance(outcome, BaseException):
            raise outcome


async def show_beside(press: CallbackQuery, screen: Outgoing) -> None:
    """Send a screen as a new message, so that the message of the pressed button stays."""
    await send(_bot(press), press.from_user.id, screen)
    await answer_press(press)


@asynccontextmanager
async def show_result(
    press: CallbackQuery, read_screen: Callable[[], Awaitable[Outgoing]]
) -> AsyncIterator[None]:
    """Run the `with` block, and then show the screen from `read_screen`.

    The screen is shown too if the act came too late (`_TOO_LATE`), and the error is raised again.
    """
    try:
        yield
    except _TOO_LATE:
        await replace(press, await read_screen())
        raise
    await show(press, await read_screen())


async def send(bot: Bot, chat_id: int, screen: Outgoing) -> None:
    """Send a screen to a chat as new messages."""
    for method in screen.methods(chat_id):
        await bot(method)


async def alert(event: CallbackQuery | Message, text: str) -> None:
    """Show a text as an alert after a press, or else as a message.

    A text that is too long or too late for an alert is sent as a message.
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
    """Replace the message of a pressed button with a screen, without an answer to the press.

    If the message cannot be edited, the screen is a new message.
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
