"""Ask Telegram about a channel: its data, its subscribers, the bot's rights and the creator."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

from aiogram import Bot
from aiogram.exceptions import (
    ClientDecodeError,
    TelegramAPIError,
    TelegramBadRequest,
    TelegramForbiddenError,
    TelegramRetryAfter,
)
from aiogram.types import (
    ChatMemberAdministrator,
    ChatMemberOwner,
    ResultChatMemberUnion,
)

from bot.telegram import api_response
from services.market.channel_facts import ChannelFacts

RIGHTS = ("can_post_messages", "can_edit_messages", "can_delete_messages")
"""The rights in a channel that people read about."""
REQUESTS = 3
"""The number of requests that one reading makes."""


class Basics(NamedTuple):
    """The data of a channel that the database needs when the channel is connected."""

    title: str
    username: str | None
    subscribers: int
    auto_delete_seconds: int | None


async def read_basics(bot: Bot, chat_id: int) -> Basics:
    """Ask Telegram about a channel that a person wants to connect. Raises Telegram's errors."""
    chat = await bot.get_chat(chat_id)
    subscribers = await bot.get_chat_member_count(chat_id)
    return Basics(
        chat.title or str(chat_id),
        chat.username,
        subscribers,
        chat.message_auto_delete_time or None,
    )


@dataclass(frozen=True)
class Lost:
    """Telegram refuses an answer, because the channel is gone or the bot lost its rights there."""

    reason: str
    """A fixed word of `api_response.loss_reason`."""


@dataclass(frozen=True)
class NotRead:
    """Telegram gave no answer that proves anything about the channel."""

    error: str
    retry_after: timedelta | None = None
    """How long Telegram asks the bot to wait, or None."""
    is_refusal: bool = False
    """True if Telegram will give the same answer again, so that an early repetition is useless."""


class _NoSlotError(Exception):
    """The rate limiter permits no request now."""


async def read(
    bot: Bot,
    chat_id: int,
    owner_telegram_id: int,
    *,
    wait_for_slot: Callable[[], Awaitable[bool]],
) -> ChannelFacts | Lost | NotRead:
    """Ask Telegram about a channel with REQUESTS requests.

    `wait_for_slot` is called before each request, and False forbids the request.
    """

    async def slot() -> None:
        if not await wait_for_slot():
            raise _NoSlotError

    try:
        await slot()
        chat = await bot.get_chat(chat_id)
        await slot()
        subscribers = await bot.get_chat_member_count(chat_id)
        await slot()
        administrators = await bot.get_chat_administrators(chat_id)
    except _NoSlotError:
        return NotRead("no slot in the limits")
    except TelegramRetryAfter as error:
        return NotRead("429", timedelta(seconds=error.retry_after))
    except (TelegramBadRequest, TelegramForbiddenError) as error:
        reason = api_response.loss_reason(error.message)
        return Lost(reason) if reason else NotRead(type(error).__name__, is_refusal=True)
    except (TelegramAPIError, ClientDecodeError) as error:
        return NotRead(type(error).__name__)
    return ChannelFacts(
        title=chat.title or str(chat_id),
        username=chat.username,
        description=chat.description,
        photo_id=None if chat.photo is None else chat.photo.big_file_unique_id,
        subscribers=subscribers,
        auto_delete_seconds=chat.message_auto_delete_time or None,
        protected=bool(chat.has_protected_content),
        bot_rights=_rights(administrators, bot.id),
        owner_is_creator=any(
            isinstance(member, ChatMemberOwner) and member.user.id == owner_telegram_id
            for member in administrators
        ),
        administrators=frozenset(
            member.user.id
            for member in administrators
            if isinstance(member, ChatMemberAdministrator)
        ),
    )


def _rights(administrators: Sequence[ResultChatMemberUnion], bot_id: int) -> tuple[str, ...]:
    return tuple(
        right
        for member in administrators
        if isinstance(member, ChatMemberAdministrator) and member.user.id == bot_id
        for right in RIGHTS
        if getattr(member, right)
    )
