"""Create the aiogram clients that write to people and to the staff, and answer presses of buttons.

Such a client can write only to private chats and to the admin chat. The module
`bot.telegram.sender` sends the ads to channels.
"""

import asyncio
import math
from datetime import timedelta

import structlog
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
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
    TelegramMethod,
)
from aiogram.methods.base import TelegramType
from aiogram.types import CallbackQuery

from bot.admin_chat import AdminChat
from bot.context import database_errors
from bot.telegram import rate_limits
from bot.telegram.rate_limiter import RateLimiter
from bot.telegram.sender import ANSWER_SECONDS, api_server

log = structlog.get_logger(__name__)

NOT_ANSWERED = (TelegramRetryAfter, TelegramNetworkError, TelegramServerError)
"""The errors that say nothing about the content of a request. Telegram did not accept the request
at this time, or its answer was lost."""
WAIT_SECONDS = 3
"""The longest time in seconds that a call waits for Telegram's limits. The bot must answer a
pre-checkout query (Telegram's question before a payment) within 10 seconds."""
_QUESTIONS = (GetChat, GetChatAdministrators, GetChatMember, GetChatMemberCount)
"""The methods that read data about a chat and write nothing into it."""
_GROUPS = (ChatType.GROUP, ChatType.SUPERGROUP)
_TOO_OLD = "query is too old"


class ForeignChatError(Exception):
    """The bot did not send a message, because its chat is neither private nor the admin chat."""


class OnlyPeopleAndStaff(BaseRequestMiddleware):
    """Refuse to write to any chat except private chats and the admin chat.

    In a channel, the bot publishes only ads, and never an error or an answer. One more chat is
    allowed: a chat to which the admin chat may have moved. The bot asks there for the confirmation
    of the move.
    """

    def __init__(self, admin_chat: AdminChat) -> None:
        """Store the admin chat. Telegram is asked for its type before the first message to it."""
        self._admin_chat = admin_chat
        self._group_ids: set[int | str] = set()

    async def __call__(
        self,
        make_request: NextRequestMiddlewareType[TelegramType],
        bot: Bot,
        method: TelegramMethod[TelegramType],
    ) -> Response[TelegramType]:
        """Make the call, except if it writes to a chat that is neither private nor the admin chat.

        Such a call raises ForeignChatError and is not sent to Telegram.
        """
        chat_id = getattr(method, "chat_id", None)
        if chat_id is not None and not isinstance(method, _QUESTIONS):
            private = isinstance(chat_id, int) and chat_id > 0
            if not private and not await self._is_admin_chat(bot, chat_id):
                raise ForeignChatError(type(method).__name__)
        return await make_request(bot, method)

    async def _is_admin_chat(self, bot: Bot, chat_id: int | str) -> bool:
        """Return whether a chat is the admin chat and is a group.

        The type is checked, because a wrong setting can name a channel as the admin chat.
        """
        if chat_id != self._admin_chat.id and chat_id not in self._admin_chat.unconfirmed_ids:
            return False
        if chat_id not in self._group_ids and (await bot.get_chat(chat_id)).type in _GROUPS:
            self._group_ids.add(chat_id)
        return chat_id in self._group_ids


class FollowAdminChat(BaseRequestMiddleware):
    """Record the new id of the admin chat if Telegram refuses a call because the chat has moved.

    Telegram also sends a service message about the move, but this message can be lost. If the move
    of the admin chat is recorded, the call is repeated with the new id. Therefore an alarm arrives
    before a super admin has confirmed the move.
    """

    def __init__(self, admin_chat: AdminChat) -> None:
        """Store the admin chat. Its new id is recorded if it moves."""
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
    """Repeat a call that Telegram refused with 429. Telegram has not carried out such a call."""

    async def __call__(
        self,
        make_request: NextRequestMiddlewareType[TelegramType],
        bot: Bot,
        method: TelegramMethod[TelegramType],
    ) -> Response[TelegramType]:
        """Make the call, and repeat it one time after the wait that Telegram asks for.

        Raises TelegramRetryAfter if the wait is longer than WAIT_SECONDS, or if Telegram refuses
        the second call too.
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
    """Keep Telegram's rate limits when the bot sends answers. All processes share these limits.

    If a call would have to wait longer than WAIT_SECONDS, it is not made and raises
    TelegramRetryAfter. The caller can send the text later. If Telegram answers 429 in a chat, no
    process writes there for the time that Telegram names.
    """

    def __init__(self, limiter: RateLimiter, admin_chat: AdminChat) -> None:
        """Store the limiter. Answers in the admin chat have the same priority as ads."""
        self._limiter = limiter
        self._admin_chat = admin_chat

    async def __call__(
        self,
        make_request: NextRequestMiddlewareType[TelegramType],
        bot: Bot,
        method: TelegramMethod[TelegramType],
    ) -> Response[TelegramType]:
        """Make the call as soon as the limits permit it.

        Raises TelegramRetryAfter if the limits do not permit the call within WAIT_SECONDS. Also
        raises it if Telegram answers 429.
        """
        chat_id = getattr(method, "chat_id", None)
        if not isinstance(chat_id, int) or isinstance(method, _QUESTIONS):
            return await make_request(bot, method)
        is_new = not isinstance(method, EditMessageText | EditMessageReplyMarkup)
        wait = await self._limiter.wait(
            chat_id,
            within=WAIT_SECONDS,
            ad=chat_id == self._admin_chat.id,
            parts=1 + rate_limits.KEPT_FROM_ANSWERS if is_new else 0,
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
    """Treat an unreadable answer of Telegram as a lost answer.

    The raised error names the method of the call. aiogram's own error does not name the method.
    """

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
    """Return a client that writes to people and to the admin chat. It repeats no call after a 429.

    The client keeps its connections open. A failed call raises an exception of aiogram.
    """
    bot = Bot(token, session=AiohttpSession(api=api_server(api_url), timeout=ANSWER_SECONDS))
    bot.session.middleware(OnlyPeopleAndStaff(admin_chat))
    bot.session.middleware(FollowAdminChat(admin_chat))
    return bot


def create_bot(
    token: str, api_url: str, admin_chat: AdminChat, limiter: RateLimiter | None = None
) -> Bot:
    """Return a client that answers people. After a 429 with a short wait, it repeats the call.

    If `limiter` is None, the client does not keep Telegram's rate limits.
    """
    bot = create_notice_bot(token, api_url, admin_chat)
    bot.session.middleware(RepeatAfterFlood())
    if limiter is not None:
        bot.session.middleware(KeepLimits(limiter, admin_chat))
    bot.session.middleware(ReportUnreadable())
    return bot


async def answer_press(press: CallbackQuery, text: str | None = None) -> bool:
    """Answer a press of a button. If there is a text, Telegram shows it as an alert.

    Returns True if Telegram accepted the answer. Returns False if the answer came too late, some
    minutes after the press. Without a text, the answer only ends the button's progress bar, and a
    lost answer gives False. With a text, a lost answer raises an error of NOT_ANSWERED.
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
    """Return whether `error` says that a press is too old to be answered.

    Telegram gives the same error if the bot answers a press a second time.
    """
    return _TOO_OLD in error.message
