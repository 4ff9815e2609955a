"""Create the aiogram clients that write to people and to the staff."""

import asyncio
import math
from datetime import timedelta

import structlog
from aiogram import Bot
from aiogram.client.session.middlewares.base import (
    BaseRequestMiddleware,
    NextRequestMiddlewareType,
)
from aiogram.enums import ChatType
from aiogram.exceptions import (
    ClientDecodeError,
    TelegramBadRequest,
    TelegramMigrateToChat,
    TelegramNetworkError,
    TelegramRetryAfter,
    TelegramServerError,
)
from aiogram.methods import (
    EditMessageReplyMarkup,
    EditMessageText,
    GetChat,
    GetChatAdministrators,
    GetChatMember,
    GetChatMemberCount,
    Response,
    SendChatAction,
    TelegramMethod,
)
from aiogram.methods.base import TelegramType
from aiogram.types import CallbackQuery

from bot import handler_slots
from bot.admin_chat import AdminChat
from bot.context import database_errors
from bot.telegram import ad_messages, rate_limits
from bot.telegram.bounded_session import BoundedSession
from bot.telegram.rate_limiter import RateLimiter
from bot.telegram.sender import ANSWER_SECONDS, api_server

log = structlog.get_logger(__name__)

NOT_ANSWERED = (TelegramRetryAfter, TelegramNetworkError, TelegramServerError)
"""The errors that say nothing about the content of a request."""
WAIT_SECONDS = 3
"""The longest time that a call waits for Telegram's limits, in seconds.

The bot must answer a pre-checkout query within 10 seconds.
"""
_FREE = (SendChatAction,)
"""The methods that count for no limit, although they write to a chat."""
_QUESTIONS = (GetChat, GetChatAdministrators, GetChatMember, GetChatMemberCount)
"""The methods that read data about a chat."""
_GROUPS = (ChatType.GROUP, ChatType.SUPERGROUP)
_TOO_OLD = "query is too old"


class ForeignChatError(Exception):
    """The bot did not send a message to a chat that is neither private nor the admin chat."""


class OnlyPeopleAndStaff(BaseRequestMiddleware):
    """The middleware that refuses to write to any chat except private chats and the admin chat."""

    def __init__(self, admin_chat: AdminChat) -> None:
        self._admin_chat = admin_chat
        self._group_ids: set[int | str] = set()

    async def __call__(
        self,
        make_request: NextRequestMiddlewareType[TelegramType],
        bot: Bot,
        method: TelegramMethod[TelegramType],
    ) -> Response[TelegramType]:
        """Make the call. Raises ForeignChatError if the call writes to a forbidden chat."""
        chat_id = getattr(method, "chat_id", None)
        if chat_id is not None and not isinstance(method, _QUESTIONS):
            private = isinstance(chat_id, int) and chat_id > 0
            if not private and not await self._is_admin_chat(bot, chat_id):
                raise ForeignChatError(type(method).__name__)
        return await make_request(bot, method)

    async def _is_admin_chat(self, bot: Bot, chat_id: int | str) -> bool:
        # A wrong setting can name a channel as the admin chat, so the chat's type is checked.
        if chat_id != self._admin_chat.id and chat_id not in self._admin_chat.unconfirmed_ids:
            return False
        if chat_id not in self._group_ids and (await bot.get_chat(chat_id)).type in _GROUPS:
            self._group_ids.add(chat_id)
        return chat_id in self._group_ids


class LeaveSlot(BaseRequestMiddleware):
    """The middleware that lets other handlers work while a handler waits for Telegram."""

    async def __call__(
        self,
        make_request: NextRequestMiddlewareType[TelegramType],
        bot: Bot,
        method: TelegramMethod[TelegramType],
    ) -> Response[TelegramType]:
        """Make the call without the slot of the handler."""
        async with handler_slots.waiting():
            return await make_request(bot, method)


class FollowAdminChat(BaseRequestMiddleware):
    """The middleware that records a move of the admin chat and repeats the refused call."""

    def __init__(self, admin_chat: AdminChat) -> None:
        self._admin_chat = admin_chat

    async def __call__(
        self,
        make_request: NextRequestMiddlewareType[TelegramType],
        bot: Bot,
        method: TelegramMethod[TelegramType],
    ) -> Response[TelegramType]:
        """Make the call. If the admin chat has moved, repeat the call one time with its new id."""
        try:
            return await make_request(bot, method)
        except TelegramMigrateToChat as error:
            old_id, new_id = getattr(method, "chat_id", None), error.migrate_to_chat_id
            if not isinstance(old_id, int):
                raise
            async with database_errors():
                if not await self._admin_chat.follow(old_id, new_id):
                    raise
            log.warning("admin chat moved", new_chat_id=new_id)
        return await make_request(bot, method.model_copy(update={"chat_id": new_id}))


class RepeatAfterFlood(BaseRequestMiddleware):
    """The middleware that repeats a call after an answer with status 429."""

    async def __call__(
        self,
        make_request: NextRequestMiddlewareType[TelegramType],
        bot: Bot,
        method: TelegramMethod[TelegramType],
    ) -> Response[TelegramType]:
        """Make the call, and repeat it one time after the wait that Telegram asks for.

        Raises TelegramRetryAfter if the wait is longer than WAIT_SECONDS or the second call is
        refused.
        """
        try:
            return await make_request(bot, method)
        except TelegramRetryAfter as error:
            if error.retry_after > WAIT_SECONDS:
                raise
            log.info("call repeated after 429", method=type(method).__name__)
            await asyncio.sleep(error.retry_after)
        return await make_request(bot, method)


class KeepLimits(BaseRequestMiddleware):
    """The middleware that keeps Telegram's rate limits, which all processes share."""

    def __init__(self, limiter: RateLimiter, admin_chat: AdminChat) -> None:
        self._limiter = limiter
        self._admin_chat = admin_chat

    async def __call__(
        self,
        make_request: NextRequestMiddlewareType[TelegramType],
        bot: Bot,
        method: TelegramMethod[TelegramType],
    ) -> Response[TelegramType]:
        """Make the call as soon as the limits permit it.

        Raises TelegramRetryAfter if the wait is longer than WAIT_SECONDS or Telegram answers 429.
        """
        chat_id = getattr(method, "chat_id", None)
        if not isinstance(chat_id, int) or isinstance(method, _QUESTIONS + _FREE):
            return await make_request(bot, method)
        messages = ad_messages.count(method)
        is_new = not isinstance(method, EditMessageText | EditMessageReplyMarkup)
        wait = await self._limiter.wait(
            chat_id,
            within=WAIT_SECONDS,
            # Answers in the admin chat have the same priority as ads.
            ad=chat_id == self._admin_chat.id,
            messages=messages,
            parts=messages + rate_limits.KEPT_FROM_ANSWERS if is_new else 0,
            answer=True,
        )
        if wait:
            raise TelegramRetryAfter(method, "the limits of Telegram", math.ceil(wait))
        try:
            return await make_request(bot, method)
        except TelegramRetryAfter as error:
            await self._limiter.cool_down(chat_id, timedelta(seconds=error.retry_after))
            raise


class ReportUnreadable(BaseRequestMiddleware):
    """The middleware that treats an unreadable answer of Telegram as a lost answer."""

    async def __call__(
        self,
        make_request: NextRequestMiddlewareType[TelegramType],
        bot: Bot,
        method: TelegramMethod[TelegramType],
    ) -> Response[TelegramType]:
        """Make the call. Raises TelegramNetworkError if Telegram's answer cannot be read."""
        try:
            return await make_request(bot, method)
        except (ClientDecodeError, UnicodeDecodeError) as error:
            raise TelegramNetworkError(method, "the answer cannot be read") from error


def create_notice_bot(token: str, api_url: str, admin_chat: AdminChat) -> Bot:
    """Return a client that writes to people and the admin chat.

    After an answer with status 429, the client does not repeat the call.
    """
    bot = Bot(token, session=BoundedSession(api=api_server(api_url), timeout=ANSWER_SECONDS))
    bot.session.middleware(OnlyPeopleAndStaff(admin_chat))
    bot.session.middleware(FollowAdminChat(admin_chat))
    return bot


def create_bot(
    token: str, api_url: str, admin_chat: AdminChat, limiter: RateLimiter | None = None
) -> Bot:
    """Return a client that answers people, and repeats a call after status 429 with a short wait.

    If `limiter` is None, the client does not keep Telegram's rate limits.
    """
    bot = create_notice_bot(token, api_url, admin_chat)
    bot.session.middleware(LeaveSlot())
    bot.session.middleware(RepeatAfterFlood())
    if limiter is not None:
        bot.session.middleware(KeepLimits(limiter, admin_chat))
    bot.session.middleware(ReportUnreadable())
    return bot


async def answer_press(press: CallbackQuery, text: str | None = None) -> bool:
    """Answer a press of a button. Telegram shows a text as an alert.

    Returns False if the answer came too late, or if an answer without a text was lost. Raises an
    error of NOT_ANSWERED if an answer with a text was lost.
    """
    try:
        await press.answer(text, show_alert=text is not None)
    except TelegramBadRequest as error:
        if not too_late(error):
            raise
        return False
    except NOT_ANSWERED:
        if text is not None:
            raise
        return False
    return True


def too_late(error: TelegramBadRequest) -> bool:
    """Return whether `error` says that a press is too old or already answered."""
    return _TOO_OLD in error.message
