"""What must hold before the bot takes its first update."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from aiogram import Bot
from aiogram.enums import ChatMemberStatus, ChatType
from aiogram.exceptions import (
    ClientDecodeError,
    TelegramAPIError,
    TelegramNetworkError,
    TelegramRetryAfter,
    TelegramServerError,
    TelegramUnauthorizedError,
)

from bot.context import DatabaseAwayError, database_errors, read_only
from bot.settings import Settings
from db.session import Sessions
from services.market import registration
from services.money import wallets
from services.platform import chat_migrations

log = structlog.get_logger(__name__)

PAUSE_SECONDS = 2.0
AWAY = (TelegramNetworkError, TelegramServerError, TelegramRetryAfter, ClientDecodeError)
_GONE = (ChatMemberStatus.LEFT, ChatMemberStatus.KICKED)


class CannotStartError(Exception):
    """One line for the person who starts the bot."""


async def database(sessions: Sessions, settings: Settings) -> int:
    """Wait for PostgreSQL, make the first super admins, and return where the admin chat is now.

    Raises CannotStartError for wallets in another currency.
    """
    while True:
        try:
            async with read_only(sessions) as session:
                other = await wallets.foreign_currency(session, settings.currency)
                admin_chat_id = await chat_migrations.current_chat_id(
                    session, settings.admin_chat_id
                )
            if other is not None:
                raise CannotStartError(f"CURRENCY is {settings.currency}, the wallets hold {other}")
            async with database_errors(), sessions.begin() as session:
                await registration.ensure_super_admins(
                    session, telegram_ids=settings.super_admin_ids, currency=settings.currency
                )
        except DatabaseAwayError:
            log.warning("database away", what="start")
            await asyncio.sleep(PAUSE_SECONDS)
        else:
            return admin_chat_id


async def patiently(call: Callable[[], Awaitable[None]]) -> None:
    """Repeat a call until Telegram answers it; its refusals pass through."""
    while True:
        try:
            await call()
        except AWAY as error:
            log.warning("Telegram away", what="start", error=type(error).__name__)
            await asyncio.sleep(PAUSE_SECONDS)
        else:
            return


async def admin_chat(bot: Bot, admin_chat_id: int) -> None:
    """Refuse an admin chat that strangers can enter, or that the bot is not in.

    Raises CannotStartError, and what `patiently` waits for.
    """
    try:
        chat = await bot.get_chat(admin_chat_id)
        ours = await bot.get_chat_member(admin_chat_id, bot.id)
    except AWAY:
        raise
    except TelegramUnauthorizedError as error:
        raise CannotStartError("BOT_TOKEN is not a token that Telegram knows") from error
    except TelegramAPIError as error:
        raise CannotStartError("ADMIN_CHAT_ID: the bot is not in that chat") from error
    if chat.type not in {ChatType.GROUP, ChatType.SUPERGROUP}:
        raise CannotStartError("ADMIN_CHAT_ID is not a group")
    if chat.username is not None or chat.active_usernames:
        raise CannotStartError("ADMIN_CHAT_ID is a public group: anybody could enter it")
    if ours.status in _GONE:
        raise CannotStartError("ADMIN_CHAT_ID: the bot is not in that chat")
