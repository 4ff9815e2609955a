"""Delivers what is owed to people: at least once, in order within one chat.

A notice that comes twice after a crash harms nobody. Ads never go through here.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import structlog
from aiogram import Bot
from aiogram.exceptions import (
    TelegramBadRequest,
    TelegramForbiddenError,
    TelegramMigrateToChat,
    TelegramRetryAfter,
)
from aiogram.methods import TelegramMethod
from aiogram.types import Message
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from bot import outbox as notices
from bot import texts
from bot.limiter import Limiter
from db.models.operations import OutboxMessage
from db.session import Sessions, is_away
from scheduler import database
from scheduler.batcher import Batcher
from services import chats, outbox, users

BATCH = 20
FEW = 2
"""So many go with each tick while ads are waiting: ads first, but nobody is left untold."""
BATCH_SECONDS = 15.0
"""Half the lease of a taken message: what is not sent by then goes back to the queue."""
TAKING_SECONDS = 10.0
PATIENCE_SECONDS = 3.0
TICK_LIMIT = 120.0
RETRY_FIRST = timedelta(seconds=2)
RETRY_MOST = timedelta(minutes=10)
MAX_ATTEMPTS = 50
"""For a person; the admin chat is tried for as long as it takes."""

log = structlog.get_logger(__name__)


_Delivered = tuple[int, int | None]
"""An owed message and the id that Telegram gave it."""


@dataclass(frozen=True)
class Mail:
    """What delivering needs."""

    sessions: Sessions
    limiter: Limiter
    bot: Bot
    admin_chat_id: int
    currency: str
    stopping: asyncio.Event
    ads_wait: Callable[[], bool] = lambda: False
    """Whether more ads are due than this process has room for."""
    record: Batcher[_Delivered, None] = field(init=False)

    def __post_init__(self) -> None:
        """Joins what arrives at the same moment into one transaction."""
        object.__setattr__(self, "record", Batcher(self._record, BATCH))

    async def _record(self, delivered: Sequence[_Delivered]) -> list[None]:
        async with self.sessions.begin() as session:
            await outbox.sent(session, dict(delivered))
        return [None] * len(delivered)


@dataclass(frozen=True)
class _Letter:
    """An owed message, addressed and written."""

    owed: OutboxMessage
    chat_id: int
    methods: list[TelegramMethod[Message]]


@dataclass(frozen=True)
class _NotDelivered:
    """A letter that did not arrive."""

    error: str
    retry_in: timedelta | None
    """None: never again."""
    holds_others: bool = True
    """Whether it is the chat that is out of reach, and not this one letter that is wrong."""
    tried: bool = True


def _waits(wait: timedelta, *, tried: bool = False) -> _NotDelivered:
    """It was not its turn; unless a part has gone, nothing was tried."""
    return _NotDelivered("waits for its turn", wait, tried=tried)


_Written = tuple[OutboxMessage, _Letter | _NotDelivered]


async def deliver(mail: Mail) -> None:
    """Tick: empties the outbox, the chats side by side."""
    until = time.monotonic() + TAKING_SECONDS
    while time.monotonic() < until and not mail.stopping.is_set():
        taken_at = time.monotonic()
        yielding = mail.ads_wait()
        async with mail.sessions.begin() as session:
            owed = await outbox.take(session, limit=FEW if yielding else BATCH)
        if not owed:
            return
        lanes: defaultdict[int | None, list[_Written]] = defaultdict(list)
        for message, written in await _write_all(mail, owed):
            lanes[message.user_id].append((message, written))
        async with asyncio.TaskGroup() as chats_at_once:
            for lane in lanes.values():
                chats_at_once.create_task(_deliver_lane(mail, lane, taken_at + BATCH_SECONDS))
        if yielding:
            return


async def _deliver_lane(mail: Mail, lane: list[_Written], until: float) -> None:
    """One chat's messages in order; one that has to wait makes those after it wait as well."""
    wait: timedelta | None = None
    for owed, written in lane:
        with database.contained("outbox", outbox_id=owed.id):
            if wait is None and (time.monotonic() > until or mail.stopping.is_set()):
                wait = timedelta()
            if wait is not None:
                await _put_back(mail, owed, _waits(wait))
            elif failure := await _deliver_one(mail, written):
                await _put_back(mail, owed, failure)
                wait = failure.retry_in if failure.holds_others else None


async def _deliver_one(mail: Mail, letter: _Letter | _NotDelivered) -> _NotDelivered | None:
    """Sends and records one message; None when it arrived."""
    if isinstance(letter, _NotDelivered):
        return letter
    message_id = None
    for part, method in enumerate(letter.methods):
        # What was begun goes on like an ad, so that a card follows its ad: later, both come again.
        wait = await mail.limiter.turn(
            letter.chat_id,
            within=PATIENCE_SECONDS,
            ad=part > 0,
            answered=True,
            parts=len(letter.methods) - part,
        )
        if wait:
            return _waits(timedelta(seconds=wait), tried=part > 0)
        try:
            message_id = (await mail.bot(method)).message_id
        except Exception as error:  # noqa: BLE001 - aiogram's, and what it does not wrap
            return await _failure(mail, letter, error)
        finally:
            mail.limiter.tell(letter.chat_id)
    await mail.record((letter.owed.id, message_id))
    return None


async def _write_all(mail: Mail, owed: Sequence[OutboxMessage]) -> list[_Written]:
    """Writes messages together; one that the database refuses to tell of is found by itself."""
    try:
        async with mail.sessions.begin() as session:
            return await _write(mail, session, owed)
    except SQLAlchemyError as error:
        if is_away(error):
            raise
        if len(owed) == 1:
            return [(owed[0], _unwritable(owed[0], error))]
    return [written for message in owed for written in await _write_all(mail, [message])]


async def _write(
    mail: Mail, session: AsyncSession, owed: Sequence[OutboxMessage]
) -> list[_Written]:
    staff = await chats.current_chat(session, mail.admin_chat_id)
    people = await users.read(session, {m.user_id for m in owed if m.user_id is not None})
    cards = await notices.read(session, owed)
    found: list[_Written] = []
    for message in owed:
        chat_id, language = staff, texts.DEFAULT_LANGUAGE
        try:
            if message.user_id is not None:
                user = people[message.user_id]
                chat_id, language = user.telegram_id, user.language
            notice = await notices.render(session, message, language, mail.currency, cards=cards)
            found.append((message, _Letter(message, chat_id, notice.methods(chat_id))))
        except SQLAlchemyError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever is wrong with this one
            found.append((message, _unwritable(message, error)))
    return found


def _unwritable(owed: OutboxMessage, error: Exception) -> _NotDelivered:
    """One that cannot be written must not keep the others; a later version may know how."""
    log.error("Worker error", tick="outbox", kind=owed.kind, outbox_id=owed.id, exc_info=error)
    return _NotDelivered(type(error).__name__, _backoff(owed), holds_others=False)


async def _failure(mail: Mail, letter: _Letter, error: Exception) -> _NotDelivered:
    owed = letter.owed
    what = type(error).__name__
    log.warning("Telegram send failed", outbox_id=owed.id, kind=owed.kind, cause=what)
    match error:
        case TelegramRetryAfter():
            rest = timedelta(seconds=error.retry_after)
            await mail.limiter.rest(letter.chat_id, rest)
            return _NotDelivered(what, rest)
        case TelegramMigrateToChat():
            async with mail.sessions.begin() as session:
                await chats.follow_move(
                    session,
                    old_chat_id=letter.chat_id,
                    new_chat_id=error.migrate_to_chat_id,
                )
            return _NotDelivered(what, timedelta())
        case TelegramForbiddenError() | TelegramBadRequest():
            # Blocked by the person, never started, or a text that Telegram will not take.
            retry_in = _backoff(owed) if owed.user_id is None else None
            return _NotDelivered(f"{what}: {error.message}", retry_in, holds_others=False)
        case _:
            return _NotDelivered(what, _backoff(owed))


def _backoff(owed: OutboxMessage) -> timedelta | None:
    if owed.user_id is not None and owed.attempts >= MAX_ATTEMPTS:
        return None
    return min(RETRY_FIRST * (1 << min(owed.attempts, 20)), RETRY_MOST)


async def _put_back(mail: Mail, owed: OutboxMessage, failure: _NotDelivered) -> None:
    async with mail.sessions.begin() as session:
        await outbox.failed(
            session,
            id=owed.id,
            error=failure.error,
            retry_in=failure.retry_in,
            tried=failure.tried,
        )
