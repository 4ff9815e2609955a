"""Call the handlers for the updates in the inbox table, in order within one chat."""

import asyncio
import json
import time
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from typing import Any

import structlog
from aiogram import Bot, Dispatcher
from aiogram.dispatcher.event.bases import UNHANDLED
from aiogram.exceptions import TelegramAPIError, TelegramRetryAfter
from aiogram.types.update import UpdateTypeLookupError
from pydantic import ValidationError
from sqlalchemy.exc import DBAPIError

from bot import lost_answers, metrics, outages, refund_updates, throttle, update_filter
from bot.context import (
    AlreadyHandledError,
    DatabaseAwayError,
    Dependencies,
    TryLaterError,
    UpdateResult,
    database_errors,
)
from bot.reaction_counts import ReactionCounts
from bot.stop_path import StopPath
from bot.telegram.answers import NOT_ANSWERED, ForeignChatError
from bot.texts import Texts
from bot.throttle import Verdict
from db import correlation
from db.models.operations import InboxUpdate
from db.session import Sessions, is_away, is_bad_data
from services.platform import inbox, lanes, users

log = structlog.get_logger(__name__)

_UPDATE_ID_LIMIT = 2**63
_REFUSED = "refused by the database"
IN_FLIGHT = 200
"""The largest number of claimed rows that are not finished, without staff and queries."""
STAFF_IN_FLIGHT = 50
"""The largest number of claimed rows of the staff that are not finished."""
PRE_CHECKOUTS_IN_FLIGHT = 10
"""The largest number of claimed pre-checkout queries that are not finished."""
MAX_CONCURRENT_HANDLERS = 16
"""The largest number of concurrent handlers, except for the staff and pre-checkout queries."""
STAFF_HANDLERS = 4
"""The largest number of concurrent handlers for the staff, except for kill switches."""
SWITCH_HANDLERS = 3
"""The largest number of concurrent handlers for the staff's updates about kill switches."""
PRE_CHECKOUT_HANDLERS = 5
"""The largest number of concurrent handlers for pre-checkout queries."""
POLL_SECONDS = 1.0
"""The longest pause between two reads of the table, in seconds."""
AWAY_SECONDS = 2.0
"""The pause in seconds after the database did not answer or a handler raised TryLaterError."""
LONGEST_FLOOD_SECONDS = 20.0
"""The longest pause in seconds after Telegram's status 429. A stop waits for this pause."""


async def store(sessions: Sessions, updates: list[dict[str, Any]]) -> None:
    """Store and commit updates in the inbox, without the fields that the product does not read.

    An update that was set aside is stored as it is. An update without an id is skipped. If the
    database refuses an update's data, its JSON is stored as a text. Raises DatabaseAwayError after
    any other error of the database.
    """
    readable = [
        update if inbox.SET_ASIDE in update else update_filter.reduce(update)
        for update in updates
        if has_id(update)
    ]
    if len(readable) < len(updates):
        log.error("updates without an id", count=len(updates) - len(readable))
    try:
        await _store(sessions, readable)
    except DBAPIError as refused:
        _require_bad_data(refused)
        for update in readable:
            await _store_alone(sessions, update)


async def _store_alone(sessions: Sessions, update: dict[str, Any]) -> None:
    """Store one update, or its JSON as a text, or its id. Raises DatabaseAwayError."""
    update_id = update["update_id"]
    replacement = inbox.set_aside(update_id, json.dumps(update), _REFUSED)
    for content in (update, replacement, {"update_id": update_id}):
        try:
            await _store(sessions, [content])
        except DBAPIError as error:
            _require_bad_data(error)
            log.exception("update refused by the database", update_id=update_id, exc_info=error)
        else:
            return


def _require_bad_data(error: DBAPIError) -> None:
    """Raise DatabaseAwayError if the error has another cause than bad data."""
    if not is_bad_data(error):
        raise DatabaseAwayError from error


def has_id(update: dict[str, Any]) -> bool:
    """Return whether an update has an id that the database can store."""
    update_id = update.get("update_id")
    return type(update_id) is int and 0 <= update_id < _UPDATE_ID_LIMIT


async def _store(sessions: Sessions, updates: list[dict[str, Any]]) -> None:
    if updates:
        async with database_errors(), sessions.begin() as session:
            await inbox.store(session, updates)


class InboxWorker:
    """The worker that calls the handlers for the rows of the inbox table, in one process."""

    def __init__(self, *, dependencies: Dependencies, dispatcher: Dispatcher, bot: Bot) -> None:
        self._dependencies = dependencies
        self._sessions = dependencies.sessions
        self.reactions = ReactionCounts()
        """The numbers of reactions, which do not go through the inbox."""
        self._dispatcher = dispatcher
        self._bot = bot
        self._chat_queues: dict[int, deque[InboxUpdate]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._taken: dict[int, int] = {}
        self._staff_lanes: frozenset[int] = frozenset()
        self._throttle = dependencies.throttle
        self._slots = asyncio.Semaphore(MAX_CONCURRENT_HANDLERS)
        self._stop_path = StopPath(self._sessions, bot, dependencies.settings.currency)
        self._switch_slots = asyncio.Semaphore(SWITCH_HANDLERS)
        self._staff_slots = asyncio.Semaphore(STAFF_HANDLERS)
        self._pre_checkout_slots = asyncio.Semaphore(PRE_CHECKOUT_HANDLERS)
        self._wake_up = asyncio.Event()
        self._progress_at = time.monotonic()

    @property
    def stalled_seconds(self) -> float:
        """For how many seconds this worker has had rows, and neither begun nor ended one.

        Rows may wait for PostgreSQL, so the time counts from its last failure on.
        """
        since = max(self._progress_at, outages.failed_at(outages.DATABASE))
        return time.monotonic() - since if self._taken else 0.0

    def wake(self) -> None:
        """Let `run` read the table now."""
        self._wake_up.set()

    def expect_stops(self, updates: Sequence[dict[str, Any]]) -> None:
        """Remember the requests to stop a kill switch among these reduced updates."""
        admin_chat = self._dependencies.admin_chat
        self._stop_path.expect(
            updates,
            admin_chat_ids={admin_chat.id, *admin_chat.unconfirmed_ids},
            staff=self._staff_lanes,
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Handle updates until `stop` is set, and wait for the running handlers.

        Rows whose handlers have not begun stay open in the table.
        """
        clearing = asyncio.create_task(self._stop_path.run(self._dependencies.admin_chat))
        try:
            await self._run(stop)
        finally:
            clearing.cancel()

    async def _run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            self._wake_up.clear()
            try:
                for row in await self._take():
                    self._queue(row)
                    self.wake()  # A claim takes only a few rows of each lane, so there may be more.
            except DatabaseAwayError as error:
                outages.log_database_away(error)
                await asyncio.sleep(AWAY_SECONDS)
                continue
            await self._wait_for_work(stop)
        waiting = [row.id for chat_queue in self._chat_queues.values() for row in chat_queue]
        for chat_queue in self._chat_queues.values():
            chat_queue.clear()
        # This process may become the leader again. It must then be able to take these rows again.
        self._forget(waiting)
        await self._give_back(waiting)
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _wait_for_work(self, stop: asyncio.Event) -> None:
        waits = [asyncio.ensure_future(event.wait()) for event in (self._wake_up, stop)]
        await asyncio.wait(waits, timeout=POLL_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()

    async def _take(self) -> Sequence[InboxUpdate]:
        """Claim open rows of the table. Raises DatabaseAwayError."""
        counts = Counter(self._taken.values())
        staff = sum(lane in self._staff_lanes for lane in self._taken.values())
        queries = sum(lane >= lanes.PRE_CHECKOUT_LANES for lane in self._taken.values())
        free = IN_FLIGHT - len(self._taken) + staff + queries
        full_lanes = [lane for lane, count in counts.items() if count >= inbox.PER_LANE]
        rows: list[InboxUpdate] = []
        async with database_errors(), self._sessions.begin() as session:
            admin_chat = self._dependencies.admin_chat
            await admin_chat.refresh(session)
            self._staff_lanes = await lanes.staff_lanes(
                session, admin_chat.id, *admin_chat.unconfirmed_ids
            )
            if staff < STAFF_IN_FLIGHT:
                rows += await inbox.claim_of_staff(
                    session,
                    limit=STAFF_IN_FLIGHT - staff,
                    exclude=self._taken,
                    full_lanes=full_lanes,
                    staff=self._staff_lanes,
                )
            if queries < PRE_CHECKOUTS_IN_FLIGHT:
                rows += await inbox.claim_pre_checkouts(
                    session, limit=PRE_CHECKOUTS_IN_FLIGHT - queries, exclude=self._taken
                )
            if free > 0:
                rows += await inbox.claim(
                    session,
                    limit=free,
                    exclude=[*self._taken, *(row.id for row in rows)],
                    full_lanes=[*full_lanes, *{row.lane for row in rows}],
                )
        return rows

    def _slots_of(self, lane: int) -> asyncio.Semaphore:
        """Return the semaphore that limits the running handlers of a lane."""
        if lane >= lanes.PRE_CHECKOUT_LANES:
            return self._pre_checkout_slots
        if lane >= lanes.SWITCH_LANES and lane in self._staff_lanes:
            return self._switch_slots
        return self._staff_slots if lane in self._staff_lanes else self._slots

    def _forget(self, ids: Iterable[int]) -> None:
        """Stop holding rows, so that they can be claimed again."""
        self._progress_at = time.monotonic()
        for row_id in ids:
            self._taken.pop(row_id, None)

    def _queue(self, row: InboxUpdate) -> None:
        """Append a row to its chat's queue, and start a task for a new queue."""
        self._progress_at = self._progress_at if self._taken else time.monotonic()
        self._taken[row.id] = row.lane
        self.expect_stops([row.payload or {}])
        chat_queue = self._chat_queues.get(row.lane)
        if chat_queue is not None:
            chat_queue.append(row)
            return
        self._chat_queues[row.lane] = deque([row])
        task = asyncio.create_task(self._work(row.lane), name=f"chat {row.lane}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _work(self, chat: int) -> None:
        """Handle the updates of one chat in order.

        After a TryLaterError, the updates stay open in the table.
        """
        chat_queue = self._chat_queues[chat]
        current: list[int] = []
        try:
            while chat_queue:
                row = chat_queue.popleft()
                current = [row.id]
                async with self._slots_of(row.lane):
                    self._progress_at = time.monotonic()
                    await self._handle(row)
                self._forget([row.id])
        except TryLaterError as error:
            waiting = [row.id for row in chat_queue]
            untried, pause = _log_reason(error)
            await self._give_back([*current, *waiting] if untried else waiting)
            await asyncio.sleep(pause)
        finally:
            # The other rows are still open in the table, and are taken again in order.
            del self._chat_queues[chat]
            self._forget([*current, *(row.id for row in chat_queue)])
            self.wake()

    async def _give_back(self, ids: list[int]) -> None:
        """Subtract one from the attempts of claimed rows that were not tried."""
        # Otherwise a payment could be parked after a long outage of the database, and a report
        # about lost rights after a long flood at Telegram.
        if ids:
            try:
                async with database_errors(), self._sessions.begin() as session:
                    await inbox.release_claims(session, ids)
            except DatabaseAwayError as error:
                outages.log_database_away(error)

    async def _handle(self, row: InboxUpdate) -> None:
        with correlation.correlated(correlation.new_id()):
            await self._handle_with_id(row)

    async def _handle_with_id(self, row: InboxUpdate) -> None:
        update_result = UpdateResult(row.id)
        self._stop_path.begin(row.update_id, update_result)
        verdict = Verdict.HANDLE
        if row.lane not in self._staff_lanes and row.payload is not None:
            verdict = self._throttle.judge(row.payload)
        if inbox.SET_ASIDE in (row.payload or {}):
            update_result.failure = (row.payload or {}).get(inbox.SET_ASIDE_REASON, _REFUSED)
        elif verdict is Verdict.HANDLE:
            await self._feed_dispatcher(row, update_result)
        else:
            metrics.DROPPED.inc()
            if verdict is Verdict.DROP_AND_NOTIFY:
                await self._notify_too_many(row)
        await self._finish(update_result)
        self._stop_path.end(row.update_id)

    async def _notify_too_many(self, row: InboxUpdate) -> None:
        """Notify a person in their private chat that the bot drops some of their updates."""
        person_id, language_code = throttle.sender(row.payload or {})
        if person_id != row.lane:
            return
        language = users.known_language(language_code)
        t = Texts(language, self._dependencies.settings.currency)
        try:
            await self._bot.send_message(row.lane, t("too-many"))
        except TelegramAPIError as error:
            log.info("answer not sent", inbox_id=row.id, error=type(error).__name__)

    async def _feed_dispatcher(self, row: InboxUpdate, update_result: UpdateResult) -> None:
        """Call the handlers for one row, and store a failure in `update_result`.

        Raises TryLaterError if the row must stay open in the table.
        """
        try:
            update = refund_updates.validate(row.payload, self._bot)
        except ValidationError as error:
            log.warning("update malformed", inbox_id=row.id, fields=error.error_count())
            update_result.failure = "malformed"
            return
        with metrics.handling(update):
            try:
                result = await self._dispatcher.feed_update(
                    self._bot,
                    update,
                    dependencies=self._dependencies,
                    fsm_storage=self._dependencies.storage,
                    update_result=update_result,
                )
            except (TryLaterError, asyncio.CancelledError):
                raise
            except AlreadyHandledError:
                update_result.marked = True
            except UpdateTypeLookupError:
                update_result.failure = "of an unknown kind"
            except NOT_ANSWERED as error:
                # The database shows whether the change was made. Only the answer is lost.
                log.warning("answer not sent", inbox_id=row.id, error=type(error).__name__)
                await lost_answers.answer_later(self._dependencies, row.id, update, error)
            except (TelegramAPIError, ForeignChatError) as error:
                log.warning("answer not sent", inbox_id=row.id, error=type(error).__name__)
            except Exception as error:
                update_result.failure = type(error).__name__
                log.exception("Worker error", inbox_id=row.id)
            else:
                if result is UNHANDLED:
                    log.debug("update not handled", inbox_id=row.id)

    async def _finish(self, update_result: UpdateResult) -> None:
        """Mark a row of the inbox as done or failed, unless a handler has marked it."""
        if update_result.marked:
            return
        async with database_errors(), self._sessions.begin() as session:
            if update_result.failure is None:
                await inbox.mark_handled(session, update_result.inbox_id)
            else:
                await inbox.park(session, id=update_result.inbox_id, error=update_result.failure)


def _log_reason(error: TryLaterError) -> tuple[bool, float]:
    """Log why an update is handled later, and return how to go on.

    Returns whether the update counts as not tried, because PostgreSQL or Telegram did not answer,
    and the pause in seconds.
    """
    reason = error.__cause__
    if isinstance(reason, TelegramAPIError):
        outages.log_away(outages.TELEGRAM, why=type(reason).__name__)
        retry_after = reason.retry_after if isinstance(reason, TelegramRetryAfter) else 0
        return True, min(max(retry_after, AWAY_SECONDS), LONGEST_FLOOD_SECONDS)
    if reason is not None and is_away(reason):
        outages.log_database_away(error)
        return True, AWAY_SECONDS
    log.warning("handled later", error=type(error).__name__)
    return False, AWAY_SECONDS
