"""Show the typing sign to a person whose answer takes long."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import Context

from aiogram import Bot
from aiogram.enums import ChatAction
from aiogram.exceptions import TelegramAPIError

TYPING_SECONDS = 1.0
"""The sign is shown if an answer takes longer than this time, in seconds."""
_tasks: set[asyncio.Task[None]] = set()


@contextmanager
def typing_if_late(bot: Bot, chat_id: int) -> Iterator[None]:
    """Show the typing sign in a chat if the `with` block takes longer than TYPING_SECONDS.

    Telegram removes the sign with the next message, or after five seconds.
    """
    loop = asyncio.get_running_loop()
    # The sign is no part of the handler, so it has none of the handler's variables.
    timer = loop.call_later(TYPING_SECONDS, _start, bot, chat_id, context=Context())
    try:
        yield
    finally:
        timer.cancel()


def _start(bot: Bot, chat_id: int) -> None:
    task = asyncio.create_task(_show(bot, chat_id))
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)


async def _show(bot: Bot, chat_id: int) -> None:
    with suppress(TelegramAPIError):
        await bot.send_chat_action(chat_id, ChatAction.TYPING)
