"""Fetch updates by long polling. Each update is stored before it is confirmed to Telegram."""

import asyncio
from typing import Any

import structlog
from aiogram import Bot
from aiohttp import ClientError, ClientTimeout

from bot import inbox_worker, outages, raw_updates
from bot.context import DatabaseAwayError
from db.session import Sessions, cause

log = structlog.get_logger(__name__)

ALLOWED_UPDATES = (
    "message",
    "callback_query",
    "my_chat_member",
    "channel_post",
    "pre_checkout_query",
)
POLL_SECONDS = 25
"""How many seconds Telegram waits for an update before it answers."""
PAUSE_SECONDS = 1.0
"""The pause after the first failure, in seconds. Each further failure doubles the pause."""
LONGEST_PAUSE_SECONDS = 8.0


class PollError(Exception):
    """Telegram has answered a request for updates with an error or an unreadable text."""


# aiogram's own polling stops for ever at an unreadable update, and confirms updates too early.
class Poller:
    """The long polling of one process."""

    def __init__(self, *, sessions: Sessions, bot: Bot, worker: inbox_worker.InboxWorker) -> None:
        self._sessions = sessions
        self._bot = bot
        self._worker = worker
        self._offset: int | None = None

    async def run(self) -> None:
        """Fetch updates and store them in the inbox until the task is cancelled.

        Updates that cannot be stored are fetched again.
        """
        pause_seconds = PAUSE_SECONDS
        while True:
            try:
                updates = await self._fetch()
                self._worker.expect_stops(updates)
                await inbox_worker.store(self._sessions, updates)
            except (PollError, DatabaseAwayError, ClientError, TimeoutError, OSError) as error:
                _log_away(error)
                await asyncio.sleep(pause_seconds)
                pause_seconds = min(pause_seconds * 2, LONGEST_PAUSE_SECONDS)
                continue
            pause_seconds = PAUSE_SECONDS
            ids = [update["update_id"] for update in updates if inbox_worker.has_id(update)]
            if ids:
                self._offset = max(ids) + 1
                self._worker.wake()

    async def _fetch(self) -> list[dict[str, Any]]:
        """Return the next updates, not validated. Raises PollError for any other answer."""
        session = await self._bot.session.create_session()  # type: ignore[attr-defined]
        url = self._bot.session.api.api_url(token=self._bot.token, method="getUpdates")
        request: dict[str, Any] = {
            "timeout": POLL_SECONDS,
            "allowed_updates": list(ALLOWED_UPDATES),
        }
        if self._offset is not None:
            request["offset"] = self._offset
        timeout = ClientTimeout(total=POLL_SECONDS + 10)
        async with session.post(url, json=request, timeout=timeout) as response:
            body = await response.read()
        try:
            answer = raw_updates.read(body)
        except ValueError as error:
            raise PollError(f"{response.status}: unreadable") from error
        if not isinstance(answer, dict) or answer.get("ok") is not True:
            description = answer.get("description") if isinstance(answer, dict) else None
            raise PollError(f"{response.status}: {description}")
        result = answer.get("result")
        if not isinstance(result, list):
            raise PollError(f"{response.status}: no list of updates")
        return [update for update in result if isinstance(update, dict)]


def _log_away(error: Exception) -> None:
    if isinstance(error, DatabaseAwayError):
        outages.log_away(outages.DATABASE, cause=cause(error))
    else:
        # The text of any other error may contain the bot's token.
        why = str(error) if isinstance(error, PollError) else type(error).__name__
        outages.log_away(outages.TELEGRAM, cause=why)
