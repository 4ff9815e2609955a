"""Check and wait for everything that the bot needs before its first update."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from aiogram import Bot
from aiogram.enums import ChatMemberStatus, ChatType
from aiogram.exceptions import (
    TelegramAPIError,
    TelegramForbiddenError,
    TelegramNetworkError,
    TelegramRetryAfter,
    TelegramServerError,
    TelegramUnauthorizedError,
)
from pydantic import SecretStr

from bot import outages
from bot.admin_chat import AdminChat
from bot.context import DatabaseAwayError, database_errors, read_only
from bot.settings import Settings
from bot.start_errors import CannotStartError
from db import address
from db.money import STARS
from db.session import Sessions, cause, is_refused
from services.market import registration
from services.money import wallets
from services.platform import roles

log = structlog.get_logger(__name__)
PAUSE_SECONDS = 2.0
AWAY = (TelegramNetworkError, TelegramServerError, TelegramRetryAfter)
_GONE = (ChatMemberStatus.LEFT, ChatMemberStatus.KICKED)


def warn_of_unproven_databases(settings: Settings) -> None:
    """Log the options of database addresses that ask for a proof which the driver cannot give."""
    for name in ("database", "intake_database", "clock_database", "reports_database"):
        url: SecretStr | None = getattr(settings, f"{name}_url")
        for option in address.parse(url.get_secret_value()).unproven if url else ():
            log.warning(
                "An option of an address is not supported",
                setting=f"{name}_url".upper(),
                option=option,
                do="add sslmode=verify-full and sslrootcert=system (or the hoster's file)",
            )


def warn_of_other_money(settings: Settings) -> None:
    """Log that the bot takes other money than Stars inside the real Telegram.

    Telegram's terms for bot developers want Stars for digital goods and services, which are sold
    inside of Telegram (docs/payments.md).
    """
    if settings.currency != STARS and not settings.bot_api_url:
        log.warning(
            "Money other than Telegram Stars is taken inside Telegram",
            currency=settings.currency,
            do="read docs/payments.md",
        )


async def database(
    sessions: Sessions, intake_sessions: Sessions, settings: Settings, admin_chat: AdminChat
) -> None:
    """Wait for PostgreSQL, store the super admins, and read the admin chat's present id.

    `intake_sessions` have the database role that may store super admins. Raises CannotStartError if
    PostgreSQL refuses the connection, or the wallets have another currency than the settings.
    """
    while True:
        try:
            async with read_only(sessions) as session:
                other_currency = await wallets.find_other_currency(session, settings.currency)
                await admin_chat.refresh(session)
            if other_currency is not None:
                raise CannotStartError(
                    f"CURRENCY is {settings.currency}, the wallets hold {other_currency}"
                )
            async with database_errors(), sessions.begin() as session:
                user_ids = await registration.register_all(
                    session, telegram_ids=settings.super_admin_ids, currency=settings.currency
                )
            async with database_errors(), intake_sessions.begin() as session:
                await roles.reconcile_super_admins(session, user_ids)
        except DatabaseAwayError as error:
            if is_refused(error):
                raise CannotStartError(f"DATABASE_URL: {cause(error)}") from error
            outages.log_database_away(error)
            await asyncio.sleep(PAUSE_SECONDS)
        else:
            return


async def retry_while_away(call: Callable[[], Awaitable[None]]) -> None:
    """Repeat `call` after each error in AWAY until it succeeds. Every other error is raised."""
    while True:
        try:
            await call()
        except AWAY as error:
            outages.log_away(outages.TELEGRAM, why=type(error).__name__)
            await asyncio.sleep(PAUSE_SECONDS)
        else:
            return


async def admin_chat(bot: Bot, chat: AdminChat) -> None:
    """Check that the admin chat is a private group, and that the bot is a member of this group.

    A public group, and a group that has removed the bot, are only logged, because people's payments
    must not wait for them. Raises CannotStartError if the setting or the bot's token is wrong; an
    error in AWAY if Telegram does not answer.
    """
    try:
        facts = await bot.get_chat(chat.id)
        bot_member = await bot.get_chat_member(chat.id, bot.id)
    except AWAY:
        raise
    except TelegramUnauthorizedError as error:
        raise CannotStartError("BOT_TOKEN is not a token that Telegram knows") from error
    except TelegramAPIError as error:
        if isinstance(error, TelegramForbiddenError) and "channel" not in error.message:
            log.error("the admin chat has removed the bot: add it again")
            return
        raise CannotStartError("ADMIN_CHAT_ID: the bot is not in that chat") from error
    if facts.type not in {ChatType.GROUP, ChatType.SUPERGROUP}:
        raise CannotStartError("ADMIN_CHAT_ID is not a group")
    if bot_member.status in _GONE:
        log.error("the admin chat has removed the bot: add it again")
    if facts.username is not None or facts.active_usernames:
        log.error("the admin chat is public: nobody can act as staff until its link is removed")
