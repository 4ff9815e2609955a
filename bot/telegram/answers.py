"""Create the bot that answers people, and name the errors after which an answer was not given."""

import asyncio

import structlog
from aiogram import Bot
from aiogram.client.session.middlewares.base import (
    BaseRequestMiddleware,
    NextRequestMiddlewareType,
)
from aiogram.exceptions import (
    ClientDecodeError,
    TelegramNetworkError,
    TelegramRetryAfter,
    TelegramServerError,
)
from aiogram.methods import Response, TelegramMethod
from aiogram.methods.base import TelegramType

from bot.telegram import sender

log = structlog.get_logger(__name__)

NOT_ANSWERED = (TelegramRetryAfter, TelegramNetworkError, TelegramServerError, ClientDecodeError)
"""The errors that say nothing about a request: Telegram refused it for a time, or the answer was
lost."""
WAIT_SECONDS = 3
"""The longest `retry_after` for which a call waits. A pre-checkout query has 10 seconds."""


class RepeatAfterFlood(BaseRequestMiddleware):
    """Repeat a call that Telegram refused with 429, because such a call was surely not made."""

    async def __call__(
        self,
        make_request: NextRequestMiddlewareType[TelegramType],
        bot: Bot,
        method: TelegramMethod[TelegramType],
    ) -> Response[TelegramType]:
        """Make the call, and repeat it one time. Raises TelegramRetryAfter for a long wait."""
        try:
            return await make_request(bot, method)
        except TelegramRetryAfter as error:
            if error.retry_after > WAIT_SECONDS:
                raise
            log.info("call repeated after 429", method=type(method).__name__)
            await asyncio.sleep(error.retry_after)
        return await make_request(bot, method)


def create_bot(token: str, api_url: str) -> Bot:
    """Return a bot that answers people and waits for a short `retry_after` by itself."""
    bot = sender.create_bot(token, api_url)
    bot.session.middleware(RepeatAfterFlood())
    return bot
