"""Fetch updates by long polling. Each update is stored before it is confirmed to Telegram."""

import asyncio
from typing import Any

import structlog
from aiogram import Bot
from aiohttp import ClientError, ClientTimeout

from bot import bounded_json, inbox_worker, metrics, outages, raw_updates, storing_updates
from bot.context import DatabaseAwayError
from db.session import Sessions

log = structlog.get_logger(__name__)

ALLOWED_UPDATES = (
    "message",
    "edited_message",
    "callback_query",
    "my_chat_member",
    "channel_post",
    "pre_checkout_query",
    "message_reaction_count",
)
POLL_SECONDS = 25
"""How many seconds Telegram waits for an update before it answers."""
PAUSE_SECONDS = 1.0
"""The pause after a failure, in seconds. Each further failure of Telegram doubles the pause."""
LONGEST_PAUSE_SECONDS = 8.0
MAX_DESCRIPTION = 200
"""The greatest length of an error's text in a log line, in characters."""
MAX_UPDATES = 100
"""One answer of Telegram contains at most this many updates."""

CONFLICT = "409"
"""The status of Telegram's answer if another process polls too, or if a webhook is set.

`bot/webhook_watch.py` looks for a webhook.
"""


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
        self._limit = MAX_UPDATES

    async def run(self) -> None:
        """Fetch updates and store them in the inbox until the task is cancelled.

        Updates that cannot be stored are fetched again.
        """
        pause_seconds = PAUSE_SECONDS
        while True:
            try:
                updates = await self._fetch()
                self._worker.expect_stops(updates)
                await self._worker.store(self._sessions, updates)
            except DatabaseAwayError as error:
                outages.log_database_away(error)
                await asyncio.sleep(PAUSE_SECONDS)
                continue
            except (PollError, ClientError, TimeoutError, OSError) as error:
                _log_away(error)
                await asyncio.sleep(pause_seconds)
                pause_seconds = min(pause_seconds * 2, LONGEST_PAUSE_SECONDS)
                continue
            pause_seconds = PAUSE_SECONDS
            ids = [update["update_id"] for update in updates if storing_updates.has_id(update)]
            if ids:
                self._offset = max(ids) + 1

    async def _fetch(self) -> list[dict[str, Any]]:
        """Return the next updates, reduced but not validated. Raises PollError for another answer.

        If the answer is too large or unreadable, the next call asks for fewer updates. One update
        that is too large or unreadable is set aside.
        """
        session = await self._bot.session.create_session()  # type: ignore[attr-defined]  # AiohttpSession's
        url = self._bot.session.api.api_url(token=self._bot.token, method="getUpdates")
        request: dict[str, Any] = {
            "timeout": POLL_SECONDS,
            "limit": self._limit,
            "allowed_updates": list(ALLOWED_UPDATES),
        }
        if self._offset is not None:
            request["offset"] = self._offset
        timeout = ClientTimeout(total=POLL_SECONDS + 10)
        async with session.post(url, json=request, timeout=timeout) as response:
            body = await bounded_json.read_body(response, raw_updates.MAX_BYTES)
        try:
            answer = raw_updates.read(body)
        except ValueError as error:
            first = raw_updates.set_aside(body)
            if first is None:
                raise PollError(f"{response.status}: unreadable") from error
            return self._skip(first)
        if not isinstance(answer, dict) or answer.get("ok") is not True:
            raise PollError(f"{response.status}: {_description(answer)}")
        result = answer.get("result")
        if not isinstance(result, list):
            raise PollError(f"{response.status}: no list of updates")
        self._limit = min(self._limit * 2, MAX_UPDATES)
        return raw_updates.read_list(result)

    def _skip(self, first: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the first update of an unreadable answer if only this update was asked for.

        Otherwise return an empty list, and let the next call ask for fewer updates.
        """
        if self._limit > 1:
            self._limit = max(self._limit // 10, 1)
            return []
        log.error("update too large or unreadable", update_id=first["update_id"])
        return [first]


def _description(answer: object) -> str | None:
    """Return Telegram's text about an error, or None."""
    description = answer.get("description") if isinstance(answer, dict) else None
    return description[:MAX_DESCRIPTION] if isinstance(description, str) else None


def _log_away(error: Exception) -> None:
    # The text of any other error than PollError may contain the bot's token.
    why = str(error) if isinstance(error, PollError) else type(error).__name__
    if why.startswith(CONFLICT) and "webhook" not in why:
        metrics.count_poll_conflict()
    else:
        metrics.count_telegram_error("poll")
    outages.log_away(outages.TELEGRAM, why=why)
