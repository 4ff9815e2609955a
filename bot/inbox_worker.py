"""From the inbox table to the handlers: in order within a chat, chats side by side.

An update is in the table before Telegram hears that it arrived. What a crash leaves unhandled is
taken again at the next start; what kills the process again and again is parked.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Sequence
from typing import Any

import structlog
from aiogram import Bot, Dispatcher
from aiogram.dispatcher.event.bases import UNHANDLED
from aiogram.exceptions import TelegramAPIError
from aiogram.types import Update
from aiogram.types.update import UpdateTypeLookupError
from pydantic import ValidationError
from sqlalchemy.exc import DBAPIError

from bot import metrics
from bot.context import (
    AlreadyHandledError,
    DatabaseAwayError,
    Dependencies,
    TryLaterError,
    UpdateResult,
    database_errors,
)
from db.models.operations import InboxUpdate
from db.session import Sessions, is_away
from services.platform import inbox

log = structlog.get_logger(__name__)

_LARGEST = 2**63
IN_FLIGHT = 200
"""Rows held in memory at most; the others wait in the table."""
SIDE_BY_SIDE = 16
"""Handlers at once, over all chats."""
LOOK_SECONDS = 1.0
"""How often the table is looked at for what another process has stored."""
AWAY_SECONDS = 2.0


async def store(sessions: Sessions, updates: list[dict[str, Any]]) -> None:
    """Put updates into the inbox, all in one statement; when this returns, they are safe.

    What the database cannot keep (an id past its integers) is stored as an empty update and parked
    later, so that it holds nothing else up. Raises DatabaseAwayError.
    """
    readable = [update for update in updates if has_id(update)]
    if len(readable) < len(updates):
        log.error("updates without an id", count=len(updates) - len(readable))
    try:
        await _store(sessions, readable)
    except DBAPIError:
        for update in readable:
            try:
                await _store(sessions, [update])
            except DBAPIError as error:
                log.exception(
                    "update cannot be kept", update_id=update["update_id"], exc_info=error
                )
                await _store(sessions, [{"update_id": update["update_id"]}])


def has_id(update: dict[str, Any]) -> bool:
    """Tell whether an update has an id that it can be kept and confirmed by."""
    number = update.get("update_id")
    return type(number) is int and 0 <= number < _LARGEST


async def _store(sessions: Sessions, updates: list[dict[str, Any]]) -> None:
    if updates:
        async with database_errors(), sessions.begin() as session:
            await inbox.store(session, updates)


class InboxWorker:
    """Takes rows and feeds them to the dispatcher. One process at a time works, by a lease."""

    def __init__(self, *, dependencies: Dependencies, dispatcher: Dispatcher, bot: Bot) -> None:
        """Keep what is needed; nothing starts before `run`."""
        self._wiring = dependencies
        self._sessions = dependencies.sessions
        self._dispatcher = dispatcher
        self._bot = bot
        self._lanes: dict[int, deque[InboxUpdate]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._taken: set[int] = set()
        self._slots = asyncio.Semaphore(SIDE_BY_SIDE)
        self._news = asyncio.Event()

    def wake(self) -> None:
        """Say that there is something new in the table, or room for more."""
        self._news.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set; then finish what was begun. What waits stays in the table."""
        while not stop.is_set():
            self._news.clear()
            try:
                for row in await self._take():
                    self._queue(row)
            except DatabaseAwayError:
                log.warning("database away", what="inbox")
                await asyncio.sleep(AWAY_SECONDS)
                continue
            await self._wait(stop)
        left = [row.id for lane in self._lanes.values() for row in lane]
        for lane in self._lanes.values():
            lane.clear()
        # This process may lead again, and then has to take them itself.
        self._taken.difference_update(left)
        await self._give_back(left)
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _wait(self, stop: asyncio.Event) -> None:
        waits = [asyncio.ensure_future(event.wait()) for event in (self._news, stop)]
        await asyncio.wait(waits, timeout=LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()

    async def _take(self) -> Sequence[InboxUpdate]:
        free = IN_FLIGHT - len(self._taken)
        if free <= 0:
            return []
        async with database_errors(), self._sessions.begin() as session:
            return await inbox.take(session, limit=free, exclude=self._taken)

    def _queue(self, row: InboxUpdate) -> None:
        self._taken.add(row.id)
        lane = self._lanes.get(row.lane)
        if lane is not None:
            lane.append(row)
            return
        self._lanes[row.lane] = deque([row])
        task = asyncio.create_task(self._work(row.lane), name=f"lane {row.lane}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _work(self, number: int) -> None:
        """Handle one chat's updates in order, and leave when there are none."""
        lane = self._lanes[number]
        begun: list[int] = []
        try:
            while lane:
                row = lane.popleft()
                begun = [row.id]
                async with self._slots:
                    await self._handle(row)
                self._taken.discard(row.id)
        except TryLaterError as error:
            log.warning("handled later", error=type(error).__name__)
            waited = [row.id for row in lane]
            away = error.__cause__ is not None and is_away(error.__cause__)
            await self._give_back([*begun, *waited] if away else waited)
            await asyncio.sleep(AWAY_SECONDS)
        finally:
            # Whatever is left is still open in the table, and taken again in its order.
            del self._lanes[number]
            self._taken.difference_update(begun, [row.id for row in lane])
            self.wake()

    async def _give_back(self, ids: list[int]) -> None:
        """What was not tried, or met no database, has not failed: a payment is not parked."""
        if ids:
            with contextlib.suppress(DatabaseAwayError):
                async with database_errors(), self._sessions.begin() as session:
                    await inbox.give_back(session, ids)

    async def _handle(self, row: InboxUpdate) -> None:
        update_result = UpdateResult(row.id)
        await self._feed(row, update_result)
        await self._finish(update_result)

    async def _feed(self, row: InboxUpdate, update_result: UpdateResult) -> None:
        try:
            update = Update.model_validate(row.payload, context={"bot": self._bot})
        except ValidationError as error:
            log.warning("update malformed", inbox_id=row.id, fields=error.error_count())
            update_result.failure = "malformed"
            return
        with metrics.handling(update):
            try:
                result = await self._dispatcher.feed_update(
                    self._bot,
                    update,
                    dependencies=self._wiring,
                    fsm_storage=self._wiring.storage,
                    update_result=update_result,
                )
            except (TryLaterError, asyncio.CancelledError):
                raise
            except AlreadyHandledError:
                update_result.marked = True
            except UpdateTypeLookupError:
                update_result.failure = "of an unknown kind"
            except TelegramAPIError as error:
                # The change is made or not, and says so in the database; only the answer is lost.
                update_result.failure = type(error).__name__
                log.warning("answer not sent", inbox_id=row.id, error=type(error).__name__)
            except Exception as error:
                update_result.failure = type(error).__name__
                log.exception("Worker error", inbox_id=row.id)
            else:
                if result is UNHANDLED:
                    log.debug("update not handled", inbox_id=row.id)

    async def _finish(self, update_result: UpdateResult) -> None:
        """Close the row unless a handler's own transaction has done so."""
        if update_result.marked:
            return
        async with database_errors(), self._sessions.begin() as session:
            if update_result.failure is None:
                await inbox.done(session, update_result.inbox_id)
            else:
                await inbox.failed(session, id=update_result.inbox_id, error=update_result.failure)
