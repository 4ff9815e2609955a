"""Deliver the messages of the outbox at least once, and in order within one chat.

A message may arrive twice after a crash. This module never sends ads.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import structlog
from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest, TelegramForbiddenError, TelegramRetryAfter
from aiogram.methods import TelegramMethod
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from bot import kept_buttons, metrics, outages, texts
from bot.admin_chat import AdminChat
from bot.batcher import Batcher
from bot.screens import notices as screens
from bot.screens.outgoing import Outgoing
from bot.telegram import ad_messages, api_response
from bot.telegram.answers import NOT_ANSWERED
from bot.telegram.rate_limiter import RateLimiter
from bot.telegram.rate_limits import KEPT_FOR_ALARMS, KEPT_FOR_SEARCHES
from db.models.operations import OutboxMessage
from db.models.users import Role
from db.session import Sessions, is_away
from scheduler import error_isolation, notices
from scheduler.admin_chat_privacy import AdminChatPrivacy
from services.market import agreements, owner_suspensions
from services.platform import outbox, switch_notices, users
from services.platform.priorities import ALARMS_OF_PEOPLE, Priority

BATCH = 20
BATCH_WHILE_ADS_WAIT = 2
"""While ads wait, one tick sends at most this many messages."""
BATCH_SECONDS = 15.0
"""A claimed message is queued again if it was not sent within this time."""
TAKING_SECONDS = 10.0
"""One tick claims messages for at most this time."""
MAX_SLOT_WAIT_SECONDS = 3.0
"""A message waits at most this time for the permission to be sent."""
TICK_LIMIT = 120.0
"""A tick hangs if it lasts more seconds than this."""
INITIAL_BACKOFF = timedelta(seconds=2)
MAX_BACKOFF = timedelta(minutes=10)
MAX_ALARM_BACKOFF = timedelta(seconds=15)
"""The longest pause between two attempts for an alarm, unless Telegram demands more."""
PUBLIC_WAIT = timedelta(seconds=60)
"""A message that is no alarm is tried at this interval while the admin chat is public."""
MAX_ATTEMPTS = 50
"""The most attempts for a message to a person. Messages to the admin chat have no limit."""

log = structlog.get_logger(__name__)


_Delivered = tuple[int, int | None]
"""The id of an outbox row, and Telegram's id of the delivered message."""


@dataclass(frozen=True)
class OutboxWorker:
    """The connections, limits and settings with which one process delivers the outbox."""

    sessions: Sessions
    limiter: RateLimiter
    bot: Bot
    admin_chat: AdminChat
    currency: str
    stopping: asyncio.Event
    ads_wait: Callable[[], bool] = lambda: False
    """A function that returns True while more ads are due than this process may claim."""
    intake_sessions: Sessions | None = None
    """The sessions that store what Telegram reports. None means `sessions`."""
    record_delivered: Batcher[_Delivered, None] = field(init=False)
    privacy: AdminChatPrivacy = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "privacy", AdminChatPrivacy(self.bot, self.admin_chat))
        object.__setattr__(self, "record_delivered", Batcher(self._record_delivered, BATCH))

    async def _record_delivered(self, delivered: Sequence[_Delivered]) -> list[None]:
        async with self.sessions.begin() as session:
            await outbox.record_sent(session, dict(delivered))
        return [None] * len(delivered)


@dataclass(frozen=True)
class _OutgoingMessage:
    row: OutboxMessage
    chat_id: int
    methods: list[TelegramMethod[Any]]
    language: str
    is_private: bool = False
    """True for an alarm of a super admin while the admin chat is public."""


@dataclass(frozen=True)
class _NotDelivered:
    """The reason why a message did not arrive."""

    error: str
    retry_in: timedelta | None
    """The time until the next attempt, or None for no further attempt."""
    blocks_chat: bool = True
    """True if the chat's later messages must wait too."""
    tried: bool = True


_CHANGED = _NotDelivered("its kill switch changed during the send", timedelta(), blocks_chat=False)


def _postponed(wait: timedelta, *, tried: bool = False) -> _NotDelivered:
    """Return the result for a message that waits for the rate limiter."""
    return _NotDelivered("waits for a slot in the limits", wait, tried=tried)


@dataclass(frozen=True)
class _PrivateAlarm:
    """An alarm that each super admin gets in private, because the admin chat is public."""

    row: OutboxMessage
    messages: list[_OutgoingMessage]


_Content = _OutgoingMessage | _PrivateAlarm | _NotDelivered
_Rendered = tuple[OutboxMessage, _Content]


async def deliver_alarms(worker: OutboxWorker) -> None:
    """Deliver the alarms (messages that the staff must read immediately)."""
    while not worker.stopping.is_set():
        claimed_at = time.monotonic()
        async with worker.sessions.begin() as session:
            taken = await outbox.claim(session, limit=BATCH, priorities=[Priority.ALARM])
        if not taken:
            return
        await _deliver_batch(worker, taken, claimed_at + BATCH_SECONDS)


async def deliver(worker: OutboxWorker) -> None:
    """Deliver the due messages that are not alarms, to several chats at the same time.

    Ends when no message is due, after TAKING_SECONDS, or after BATCH_WHILE_ADS_WAIT messages while
    ads wait.
    """
    async with worker.sessions.begin() as session:
        await outbox.raise_old_cards(session)
    until = time.monotonic() + TAKING_SECONDS
    while time.monotonic() < until and not worker.stopping.is_set():
        claimed_at = time.monotonic()
        ads_wait = worker.ads_wait()
        async with worker.sessions.begin() as session:
            taken = await outbox.claim(
                session,
                limit=BATCH_WHILE_ADS_WAIT if ads_wait else BATCH,
                priorities=[Priority.RESULT, Priority.CARD],
            )
        if not taken:
            return
        await _deliver_batch(worker, taken, claimed_at + BATCH_SECONDS)
        if ads_wait:
            return


async def _deliver_batch(
    worker: OutboxWorker, taken: Sequence[OutboxMessage], until: float
) -> None:
    """Deliver claimed messages to several chats at the same time.

    After `until`, a time of `time.monotonic()`, the remaining messages are queued again.
    """
    chat_queues: defaultdict[int | None, list[_Rendered]] = defaultdict(list)
    if any(row.user_id is None for row in taken):
        # Telegram is asked before the transaction in which the messages are rendered.
        await worker.privacy.refresh()
    for row, rendered in await _render_all(worker, taken):
        chat_queues[row.user_id].append((row, rendered))
    async with asyncio.TaskGroup() as deliveries:
        for chat_queue in chat_queues.values():
            deliveries.create_task(_deliver_chat_queue(worker, chat_queue, until))


async def _deliver_chat_queue(
    worker: OutboxWorker, chat_queue: list[_Rendered], until: float
) -> None:
    """Deliver the messages of one chat in order. If one must wait, the later ones wait too."""
    wait: timedelta | None = None
    for row, rendered in chat_queue:
        with error_isolation.isolate_errors("outbox", origin=row.correlation_id, outbox_id=row.id):
            if wait is None and (time.monotonic() > until or worker.stopping.is_set()):
                wait = timedelta()
            if wait is not None:
                await _record_failure(worker, row, _postponed(wait))
            elif failure := await _deliver_one(worker, rendered):
                await _record_failure(worker, row, failure)
                wait = failure.retry_in if failure.blocks_chat else None


async def _deliver_one(worker: OutboxWorker, rendered: _Content) -> _NotDelivered | None:
    """Send one message. Return the reason if the message did not arrive, or None."""
    if isinstance(rendered, _NotDelivered):
        return rendered
    messages = rendered.messages if isinstance(rendered, _PrivateAlarm) else [rendered]
    results = [await _send(worker, message) for message in messages]
    if _CHANGED in results:
        return _CHANGED
    arrived = [result for result in results if not isinstance(result, _NotDelivered)]
    if arrived:
        await worker.record_delivered((rendered.row.id, arrived[-1]))
        return None
    if isinstance(rendered, _PrivateAlarm):
        log.error("No super admin got an alarm", outbox_id=rendered.row.id)
        return _NotDelivered("no super admin got it", _backoff(rendered.row), blocks_chat=False)
    return next(result for result in results if isinstance(result, _NotDelivered))


async def _send(worker: OutboxWorker, rendered: _OutgoingMessage) -> int | _NotDelivered | None:
    """Send the parts of one message. Return the id of the last part, or why it was not sent."""
    message_id = None
    # The alarms that anybody can cause use only the slots of notices, because there may be many.
    alarm = rendered.row.priority == Priority.ALARM and rendered.row.kind not in ALARMS_OF_PEOPLE
    for part, method in enumerate(rendered.methods):
        # Alarms have the priority of ads. So have later parts: if one waits, all are sent again.
        kept = 0 if part else KEPT_FOR_SEARCHES + (0 if alarm else KEPT_FOR_ALARMS)
        wait = await worker.limiter.wait(
            rendered.chat_id,
            within=MAX_SLOT_WAIT_SECONDS,
            ad=alarm or part > 0,
            answered=True,
            messages=ad_messages.count(method),
            parts=sum(map(ad_messages.count, rendered.methods[part:])) + kept,
        )
        if wait:
            return _postponed(timedelta(seconds=wait), tried=part > 0)
        try:
            if rendered.row.kind == switch_notices.KIND:
                return await _send_present_state(worker, rendered)
            sent = await worker.bot(method)
            sent = sent[-1] if isinstance(sent, list) else sent  # the answer to an album
            worker.privacy.note(sent)
            message_id = sent.message_id
        except Exception as error:  # noqa: BLE001 - aiogram's, and what it does not wrap
            return await _handle_send_error(worker, rendered, error)
        finally:
            worker.limiter.confirm(rendered.chat_id)
    return message_id


async def _send_present_state(
    worker: OutboxWorker, message: _OutgoingMessage
) -> int | _NotDelivered:
    """Send a notice about kill switches with their present state. Return its message's id.

    If the switches have changed during the send, the notice is sent again: now if its row is not
    queued any more, otherwise later.
    """
    while True:
        notice = await _render_again(worker, message)
        sent = await worker.bot(notice.methods(message.chat_id)[-1])
        worker.privacy.note(sent)
        if (await _render_again(worker, message)).text == notice.text:
            return int(sent.message_id)
        async with worker.sessions.begin() as session:
            if await outbox.is_queued(session, message.row.id):
                return _CHANGED
        # Another process has taken over this notice, because this process was slow.


async def _render_again(worker: OutboxWorker, message: _OutgoingMessage) -> Outgoing:
    """Render a message again, from the present rows of the database."""
    language, currency = message.language, worker.currency
    async with worker.sessions.begin() as session:
        notice = await notices.render(session, message.row, language, currency, cards={})
    private = screens.in_private(texts.Texts(language, currency), notice)
    return private if message.is_private else notice


async def _render_all(worker: OutboxWorker, rows: Sequence[OutboxMessage]) -> list[_Rendered]:
    """Render outbox rows in one transaction, or one by one if one of them causes an error."""
    try:
        async with worker.sessions.begin() as session:
            return await _render_batch(worker, session, rows)
    except Exception as error:
        if is_away(error):
            raise
        if len(rows) == 1:
            return [(rows[0], _rendering_failed(rows[0], error))]
    return [rendered for row in rows for rendered in await _render_all(worker, [row])]


async def _render_batch(
    worker: OutboxWorker, session: AsyncSession, rows: Sequence[OutboxMessage]
) -> list[_Rendered]:
    """Render outbox rows for their receivers.

    Raises errors of the database, and those of facts that are read for all rows together.
    """
    await worker.admin_chat.refresh(session)
    staff_language = await users.language_of_staff(session)
    people = await users.get_many(session, {row.user_id for row in rows if row.user_id is not None})
    cards = await notices.read(session, rows)
    rendered: list[_Rendered] = []
    for row in rows:
        chat_id, language = worker.admin_chat.id, staff_language
        try:
            if await notices.is_withdrawn(session, row, cards):
                rendered.append((row, _NotDelivered(outbox.TAKEN_BACK, None, blocks_chat=False)))
                continue
            if row.user_id is None and worker.privacy.last_known:
                rendered.append((row, await _render_for_public_chat(worker, session, row)))
                continue
            if row.user_id is not None:
                user = people[row.user_id]
                chat_id, language = user.telegram_id, user.language
            notice = await notices.render(session, row, language, worker.currency, cards=cards)
            notice = kept_buttons.add(worker.bot.token, row, notice)
            message = _OutgoingMessage(row, chat_id, notice.methods(chat_id), language)
            rendered.append((row, message))
        except SQLAlchemyError:
            raise
        except Exception as error:  # noqa: BLE001 - any error of this row is its own
            rendered.append((row, _rendering_failed(row, error)))
    return rendered


async def _render_for_public_chat(
    worker: OutboxWorker, session: AsyncSession, row: OutboxMessage
) -> _PrivateAlarm | _NotDelivered:
    """Render a message while the admin chat is public.

    An alarm goes to each super admin in private. All other messages wait.
    """
    if row.priority != Priority.ALARM:
        return _NotDelivered("the admin chat is public", PUBLIC_WAIT, tried=False)
    messages = []
    for user in await users.list_with_role(session, Role.SUPER_ADMIN):
        cards = await notices.read(session, [row])
        notice = await notices.render(session, row, user.language, worker.currency, cards=cards)
        notice = kept_buttons.add(worker.bot.token, row, notice)
        private = screens.in_private(texts.Texts(user.language, worker.currency), notice)
        chat_id = user.telegram_id
        messages.append(
            _OutgoingMessage(row, chat_id, private.methods(chat_id), user.language, is_private=True)
        )
    return _PrivateAlarm(row, messages)


def _rendering_failed(row: OutboxMessage, error: Exception) -> _NotDelivered:
    """Log a row that cannot be rendered, and return when to try the row again."""
    log.error("Worker error", tick="outbox", kind=row.kind, outbox_id=row.id, exc_info=error)
    return _NotDelivered(type(error).__name__, _backoff(row), blocks_chat=False)


async def _handle_send_error(
    worker: OutboxWorker, message: _OutgoingMessage, error: Exception
) -> _NotDelivered:
    """React to an error of a send, and return when the message is tried again."""
    row = message.row
    cause = type(error).__name__
    if not isinstance(error, NOT_ANSWERED) or outages.may_log(outages.TELEGRAM):
        log.warning("Telegram send failed", outbox_id=row.id, kind=row.kind, cause=cause)
    match error:
        case TelegramRetryAfter():
            retry_after = timedelta(seconds=error.retry_after)
            await worker.limiter.cool_down(message.chat_id, retry_after)
            return _NotDelivered(cause, retry_after)
        case TelegramForbiddenError() | TelegramBadRequest():
            if row.user_id is not None and api_response.USER_GONE in error.message.lower():
                async with worker.sessions.begin() as session:
                    await owner_suspensions.suspend_all_of_gone(session, owner_id=row.user_id)
            # The person has blocked the bot or has never started it, or Telegram rejects the text.
            retry_in = _backoff(row) if row.user_id is None else None
            words = api_response.without_quotes(error.message)
            return _NotDelivered(f"{cause}: {words}", retry_in, blocks_chat=False)
        case _:
            metrics.count_telegram_error("message")
            return _NotDelivered(cause, _backoff(row))


def _backoff(row: OutboxMessage) -> timedelta | None:
    """Return the pause before the next attempt, or None after the last attempt."""
    if row.user_id is not None and row.attempts >= MAX_ATTEMPTS:
        return None
    longest = MAX_ALARM_BACKOFF if row.priority == Priority.ALARM else MAX_BACKOFF
    return min(INITIAL_BACKOFF * (1 << min(row.attempts, 20)), longest)


async def _record_failure(worker: OutboxWorker, row: OutboxMessage, failure: _NotDelivered) -> None:
    async with worker.sessions.begin() as session:
        await outbox.record_failed(
            session, id=row.id, error=failure.error, retry_in=failure.retry_in, tried=failure.tried
        )
        if failure.retry_in is None and row.kind == agreements.QUESTION:
            await agreements.tell_unreachable(session, row.payload["target_id"])
