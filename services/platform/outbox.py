"""Queue messages to people, and record their delivery. A message can be delivered twice."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Text,
    bindparam,
    func,
    or_,
    select,
    text,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.operations import OutboxMessage, OutboxStatus
from services.platform import priorities as message_priorities
from services.platform import switch_notices
from services.platform.priorities import Priority

LEASE = timedelta(seconds=30)
"""How long a claimed message belongs to its process, by the real clock."""

PER_RECEIVER = 5
"""How many messages to one person, or to the admin chat, one call claims of a priority at most.

Telegram takes one message a second in a chat. Therefore many messages to one person would delay the
messages to all others. Of the alarms, only those that anybody can cause are limited. So a person
who takes back hundreds of payments does not delay the other alarms.
"""
CARD_PATIENCE = timedelta(minutes=5)

SUMMARY = "missed_notices"
"""The kind of the summary of messages that a person has missed."""
TAKEN_BACK = "taken back"
"""The error of a message that nobody needs any more."""
NOT_SUMMED_UP = ("answer_lost", "switch_answer_lost")
"""The kinds of messages that no summary repeats: an answer is of no use much later."""
_SENT = text(
    """
    WITH sent AS (
        UPDATE outbox o SET status = 'sent', message_id = m.message_id, sent_at = clock()
        FROM unnest(CAST(:ids AS bigint[]), CAST(:message_ids AS bigint[])) AS m (id, message_id)
        WHERE o.id = m.id AND o.status = 'queued'
        RETURNING o.kind, o.payload
    )
    UPDATE outbox missed SET missed_at = NULL
    FROM sent CROSS JOIN LATERAL jsonb_array_elements_text(
        CASE WHEN sent.kind = :summary THEN sent.payload -> 'ids' END) AS told (id)
    WHERE missed.id = told.id::bigint
    """
)
_MISSED = text(
    """
    WITH missed AS (
        UPDATE outbox SET missed_at = CASE WHEN kind <> :summary THEN clock() END
        WHERE id = :id AND status = 'failed' AND user_id IS NOT NULL AND kind <> ALL (:kinds)
        RETURNING user_id
    )
    UPDATE users person SET missed_at = clock()
    FROM missed WHERE person.id = missed.user_id AND person.missed_at IS NULL
    """
).bindparams(bindparam("kinds", type_=ARRAY(Text)))


async def add(
    session: AsyncSession,
    *,
    user_id: int | None,
    kind: str,
    payload: dict[str, Any],
    key: str | None = None,
    due_in: timedelta = timedelta(),
) -> None:
    """Queue a message to a user, or to the admin chat if `user_id` is None.

    The message is sent after the time `due_in`. A key that was used before queues nothing.
    """
    await session.execute(
        insert(OutboxMessage)
        .values(
            user_id=user_id,
            kind=kind,
            payload=payload,
            key=key,
            priority=message_priorities.priority_of(kind),
            due_at=func.now() + due_in,
        )
        .on_conflict_do_nothing(index_elements=["key"])
    )


async def claim(
    session: AsyncSession, *, limit: int, priorities: Iterable[Priority] = Priority
) -> Sequence[OutboxMessage]:
    """Claim at most `limit` due messages of the given priorities, and count an attempt of each.

    The lowest priority number comes first, then the oldest due time. A receiver gets at most
    PER_RECEIVER messages of a priority. For alarms, this limit applies only to the kinds
    `ALARMS_OF_PEOPLE`. The result is sorted by priority and id, but these alarms come last. After
    LEASE, another process can claim a message without an outcome. Only one process has notices
    about kill switches (`switch_notices`). Locks the messages, and skips locked ones.
    """
    claimed: list[OutboxMessage] = []
    for priority in sorted(priorities):
        if len(claimed) < limit:
            wanted: ColumnElement[bool] = true()
            if priority == Priority.ALARM and not await switch_notices.may_claim(session):
                wanted = OutboxMessage.kind != switch_notices.KIND
            claimed += await _claim_priority(session, priority, limit - len(claimed), wanted)
    return claimed


async def raise_old_cards(session: AsyncSession) -> None:
    """Give the priority RESULT to staff cards that have waited for CARD_PATIENCE.

    Locks these cards, and skips locked ones.
    """
    old = (
        select(OutboxMessage.id)
        .where(
            OutboxMessage.status == OutboxStatus.QUEUED,
            OutboxMessage.priority == Priority.CARD,
            OutboxMessage.created_at < func.clock() - CARD_PATIENCE,
        )
        .with_for_update(skip_locked=True)
        .cte("old")
    )
    await session.execute(
        update(OutboxMessage)
        .where(queries.is_one_of(OutboxMessage.id, select(old.c.id)))
        .values(priority=Priority.RESULT)
        .execution_options(synchronize_session=False)
    )


async def _claim_priority(
    session: AsyncSession, priority: Priority, limit: int, wanted: ColumnElement[bool]
) -> Sequence[OutboxMessage]:
    is_due = (
        wanted,
        OutboxMessage.status == OutboxStatus.QUEUED,
        OutboxMessage.priority == priority,
        OutboxMessage.due_at <= func.now(),
    )
    limited: ColumnElement[bool] = true()
    if priority == Priority.ALARM:
        limited = OutboxMessage.kind.in_(message_priorities.ALARMS_OF_PEOPLE)
    rank = func.row_number().over(
        partition_by=(OutboxMessage.user_id, limited),
        order_by=(OutboxMessage.due_at, OutboxMessage.id),
    )
    ranked = (
        select(OutboxMessage.id, OutboxMessage.due_at, rank.label("rank"), limited.label("limited"))
        .where(*is_due)
        .subquery()
    )
    # Other processes may have locked some of these messages, so there are more than `limit`.
    fair = (
        select(ranked.c.id)
        .where(or_(ranked.c.rank <= PER_RECEIVER, ~ranked.c.limited))
        .order_by(ranked.c.due_at, ranked.c.id)
        .limit(4 * limit)
    )
    due = (
        select(OutboxMessage.id)
        .where(queries.is_one_of(OutboxMessage.id, fair), *is_due)
        .order_by(OutboxMessage.due_at, OutboxMessage.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    claimed = await session.scalars(
        update(OutboxMessage)
        .where(queries.is_one_of(OutboxMessage.id, select(due.c.id)))
        .values(due_at=func.now() + LEASE, attempts=OutboxMessage.attempts + 1)
        .returning(OutboxMessage)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    return sorted(
        claimed,
        key=lambda message: (message.kind in message_priorities.ALARMS_OF_PEOPLE, message.id),
    )


async def end_delays_of_clock_step(session: AsyncSession) -> None:
    """Make messages due now whose due time is wrong after the database's clock was set back."""
    await session.execute(
        update(OutboxMessage)
        .where(
            OutboxMessage.status == OutboxStatus.QUEUED,
            OutboxMessage.created_at > func.clock(),
            OutboxMessage.due_at > func.now() + 2 * LEASE,
        )
        .values(due_at=func.now())
        .execution_options(synchronize_session=False)
    )


async def is_queued(session: AsyncSession, message_id: int) -> bool:
    """Return whether a message still has to be sent."""
    status = await session.scalar(
        select(OutboxMessage.status).where(OutboxMessage.id == message_id)
    )
    return status is OutboxStatus.QUEUED


async def record_sent(session: AsyncSession, message_ids: Mapping[int, int | None]) -> None:
    """Record that messages were delivered, and that a person has read a summary.

    `message_ids` maps the ids of outbox rows to Telegram's message ids, or to None.
    """
    await session.execute(
        _SENT,
        {
            "ids": list(message_ids),
            "message_ids": list(message_ids.values()),
            "summary": SUMMARY,
        },
    )


async def record_failed(
    session: AsyncSession,
    *,
    id: int,  # noqa: A002 - the name of the column
    error: str,
    retry_in: timedelta | None,
    tried: bool = True,
) -> None:
    """Record that a message was not delivered, and schedule the next attempt.

    `retry_in` is the time until the next attempt, or None for no attempt: the person then misses
    the message, unless it was taken back. If nothing was sent, `tried` is False, and the attempt
    does not count. Locks the message, then its person if the message is given up.
    """
    changes: dict[str, Any] = {"last_error": error}
    if not tried:
        changes["attempts"] = OutboxMessage.attempts - 1
    if retry_in is None:
        changes["status"] = OutboxStatus.FAILED
    else:
        changes["due_at"] = func.now() + retry_in
    await session.execute(
        update(OutboxMessage)
        .where(OutboxMessage.id == id, OutboxMessage.status == OutboxStatus.QUEUED)
        .values(changes)
    )
    if retry_in is None and error != TAKEN_BACK:
        await session.execute(_MISSED, {"id": id, "summary": SUMMARY, "kinds": list(NOT_SUMMED_UP)})


async def purge_late_answers(session: AsyncSession) -> None:
    """Delete the messages with answers that were given late, 48 hours after their delivery."""
    await session.execute(select(func.purge_late_answers()))
