"""Show the typing sign to a person whose answer takes long."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import Context

from aiogram import Bot
from aiogram.enums import ChatAction
from aiogram.exceptions import TelegramAPIError

from bot.telegram.answers import ForeignChatError

TYPING_SECONDS = 1.0
"""The sign is shown if an answer takes longer than this time, in seconds."""
SHOWN_SECONDS = 4.5
"""After this time, the sign is shown again. Telegram removes it after five seconds."""
_tasks: set[asyncio.Task[None]] = set()


@contextmanager
def typing_if_late(bot: Bot, chat_id: int) -> Iterator[None]:
    """Show the typing sign in a chat if the `with` block takes longer than TYPING_SECONDS.

    The sign is shown until the block ends. Telegram removes it with the next message.
    """
    loop, done = asyncio.get_running_loop(), asyncio.Event()
    # The sign is no part of the handler, so it has none of the handler's variables.
    timer = loop.call_later(TYPING_SECONDS, _start, bot, chat_id, done, context=Context())
    try:
        yield
    finally:
        timer.cancel()
        done.set()


def _start(bot: Bot, chat_id: int, done: asyncio.Event) -> None:
    task = asyncio.create_task(_show(bot, chat_id, done))
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)


async def _show(bot: Bot, chat_id: int, done: asyncio.Event) -> None:
    while not done.is_set():
        with suppress(TelegramAPIError, ForeignChatError):
            await bot.send_chat_action(chat_id, ChatAction.TYPING)
        with suppress(TimeoutError):
            await asyncio.wait_for(done.wait(), SHOWN_SECONDS)
