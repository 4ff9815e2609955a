"""Call the handlers for the updates in the inbox table, in order within one chat."""

import asyncio
import time
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import structlog
from aiogram import Bot, Dispatcher
from aiogram.dispatcher.event.bases import UNHANDLED
from aiogram.exceptions import TelegramAPIError, TelegramRetryAfter
from aiogram.types.update import UpdateTypeLookupError
from pydantic import ValidationError
from sqlalchemy.exc import DBAPIError

from bot import (
    handler_slots,
    lost_answers,
    metrics,
    outages,
    refund_updates,
    storing_updates,
    throttle,
)
from bot.batcher import Batcher
from bot.context import (
    AlreadyHandledError,
    DatabaseAwayError,
    Dependencies,
    TryLaterError,
    UpdateResult,
    database_errors,
    single_write,
)
from bot.handler_slots import HandlerSlots
from bot.inbox_claims import InboxClaims
from bot.reaction_counts import ReactionCounts
from bot.stop_path import StopPath
from bot.telegram.answers import NOT_ANSWERED, ForeignChatError
from bot.texts import Texts
from bot.throttle import Verdict
from bot.typing_sign import typing_if_late
from db import correlation
from db.models.operations import InboxUpdate
from db.session import Sessions, is_away
from services.platform import inbox, lanes, users

log = structlog.get_logger(__name__)

MAX_CONCURRENT_HANDLERS = 16
"""The largest number of concurrent handlers, except for the staff and pre-checkout queries.

A handler that waits for Telegram, or for a statement that handlers share, does not count here, and
for no other limit of handlers.
"""
STAFF_HANDLERS = 4
"""The largest number of concurrent handlers for the staff, except for kill switches."""
SWITCH_HANDLERS = 3
"""The largest number of concurrent handlers for the staff's updates about kill switches."""
PRE_CHECKOUT_HANDLERS = 5
"""The largest number of concurrent handlers for pre-checkout queries."""
POLL_SECONDS = 1.0
"""The longest pause between two reads of the table, in seconds."""
TAKE_SECONDS = 0.01
"""The shortest time between the begins of two reads of the table, in seconds."""
MARKED_AT_ONCE = 100
"""The largest number of rows that one transaction marks as done."""
AWAY_SECONDS = 2.0
"""The pause in seconds after the database did not answer or a handler raised TryLaterError."""
LONGEST_FLOOD_SECONDS = 20.0
"""The longest pause in seconds after Telegram's status 429. A stop waits for this pause."""


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
        self._claims = InboxClaims(self._sessions, dependencies.admin_chat)
        self._throttle = dependencies.throttle
        self._slots = HandlerSlots(MAX_CONCURRENT_HANDLERS)
        self._stop_path = StopPath(self._sessions, bot, dependencies.settings.currency)
        self._switch_slots = HandlerSlots(SWITCH_HANDLERS)
        self._staff_slots = HandlerSlots(STAFF_HANDLERS)
        self._pre_checkout_slots = HandlerSlots(PRE_CHECKOUT_HANDLERS)
        self._wake_up = asyncio.Event()
        self._progress_at = time.monotonic()
        self._mark_handled: Batcher[tuple[int, str | None], None] = Batcher(
            self._mark_all_handled, MARKED_AT_ONCE
        )

    @property
    def stalled_seconds(self) -> float:
        """For how many seconds this worker has had rows, and neither begun nor ended one.

        Rows may wait for PostgreSQL, so the time counts from its last failure on.
        """
        since = max(self._progress_at, outages.failed_at(outages.DATABASE))
        return time.monotonic() - since if self._claims else 0.0

    def wake(self) -> None:
        """Let `run` read the table now."""
        self._wake_up.set()

    def expect_stops(self, updates: Sequence[dict[str, Any]]) -> None:
        """Remember the requests to stop a kill switch among these reduced updates."""
        admin_chat = self._dependencies.admin_chat
        self._stop_path.expect(
            updates,
            admin_chat_ids={admin_chat.id, *admin_chat.unconfirmed_ids},
            staff=self._claims.staff_lanes,
        )

    async def store(self, sessions: Sessions, updates: Sequence[dict[str, Any]]) -> None:
        """Store updates that Telegram has sent, except those of a person who sends too many.

        `sessions` have the database role that may store. Raises DatabaseAwayError.
        """
        others = self.reactions.take(updates)
        # Before this process has taken rows for the first time, it does not know the staff.
        wanted = [
            update
            for update in others
            if not self._claims.staff_lanes
            or inbox.lane_of(update) in self._claims.staff_lanes
            or self._throttle.may_store(update)
        ]
        metrics.DROPPED.inc(len(others) - len(wanted))
        await storing_updates.store(sessions, wanted)
        # Telegram sends again what could not be stored, so only a success counts.
        for update in wanted:
            self._throttle.count_stored(update)
        if self._claims.should_claim(map(inbox.lane_of, wanted)):
            self.wake()

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
            pause = asyncio.create_task(asyncio.sleep(TAKE_SECONDS))
            try:
                if not self._claims:
                    self._progress_at = time.monotonic()
                for row in await self._claims.claim():
                    self._queue(row)
            except DatabaseAwayError as error:
                outages.log_database_away(error)
                await asyncio.sleep(AWAY_SECONDS)
                continue
            await self._wait_for_work(stop)
            # Updates that arrive together are claimed together.
            await pause
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

    def _slots_of(self, lane: int) -> HandlerSlots:
        """Return the slots of the handlers of a lane."""
        if lane >= lanes.PRE_CHECKOUT_LANES:
            return self._pre_checkout_slots
        if lane >= lanes.SWITCH_LANES and lane in self._claims.staff_lanes:
            return self._switch_slots
        return self._staff_slots if lane in self._claims.staff_lanes else self._slots

    def _forget(self, ids: Iterable[int]) -> None:
        """Stop holding rows, so that they can be claimed again."""
        self._progress_at = time.monotonic()
        self._claims.forget(ids)

    def _queue(self, row: InboxUpdate) -> None:
        """Append a row to its chat's queue, and start a task for a new queue."""
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
                async with self._slots_of(row.lane).hold():
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
            left = [*current, *(row.id for row in chat_queue)]
            self._forget(left)
            if left or self._claims.may_be_more(chat):
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
        if row.lane not in self._claims.staff_lanes and row.payload is not None:
            verdict = self._throttle.judge(row.payload)
        if inbox.SET_ASIDE in (row.payload or {}):
            update_result.failure = (row.payload or {}).get(
                inbox.SET_ASIDE_REASON, storing_updates.REFUSED
            )
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

    def _typing_if_late(self, lane: int) -> AbstractContextManager[None]:
        """Return the context that shows the typing sign, in private chats and the admin chat."""
        is_private = 0 < lane < lanes.SWITCH_LANES
        is_shown = is_private or lane == self._dependencies.admin_chat.id
        return typing_if_late(self._bot, lane) if is_shown else nullcontext()

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
        with metrics.handling(update), self._typing_if_late(row.lane):
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
                # Anybody could fill the log from a group of their own.
                write = log.debug if isinstance(error, ForeignChatError) else log.warning
                write("answer not sent", inbox_id=row.id, error=type(error).__name__)
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
        if update_result.failure is None:
            handled = update_result.inbox_id, correlation.correlation_id.get()
            try:
                async with handler_slots.waiting():
                    await self._mark_handled(handled)
            except DBAPIError:
                # The database may have refused another row of the same batch.
                await self._mark_all_handled([handled])
            return
        async with database_errors(), self._sessions.begin() as session:
            await inbox.park(session, id=update_result.inbox_id, error=update_result.failure)

    async def _mark_all_handled(self, handled: Sequence[tuple[int, str | None]]) -> Sequence[None]:
        """Mark rows as done with one statement. Raises DatabaseAwayError."""
        async with single_write(self._sessions) as session:
            await inbox.mark_all_handled(session, handled)
        return [None] * len(handled)


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
