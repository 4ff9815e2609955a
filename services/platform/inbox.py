"""Store updates from Telegram, claim them for handlers, and record whether they were handled."""

import json
import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    BindParameter,
    ColumnElement,
    Text,
    all_,
    any_,
    bindparam,
    func,
    null,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.dml import ReturningUpdate

from db import queries
from db.correlation import correlation_id
from db.models.operations import InboxUpdate
from services.platform import lanes, outbox

MAX_ATTEMPTS = 10
"""The largest number of attempts to handle one update."""
PER_LANE = 5
"""The largest number of updates of one lane (usually one chat) that one call claims."""
PRE_CHECKOUT_TIME = timedelta(seconds=10)
"""Telegram refuses a payment if its pre-checkout query is not answered in this time."""
_READ = 1_000
SET_ASIDE = "set_aside"
SET_ASIDE_REASON = "reason"
SET_ASIDE_LIMIT = 10_000
"""The greatest length of the JSON text of an update that is set aside, in characters."""
_BIGINT_LIMIT = 2**63
_OPEN = (InboxUpdate.done_at.is_(None), InboxUpdate.failed_at.is_(None))
_IS_PRE_CHECKOUT = InboxUpdate.lane >= lanes.PRE_CHECKOUT_LANES
PAYMENT_PARTS = ("successful_payment", "refunded_payment")
IS_PAYMENT: ColumnElement[bool] = (
    InboxUpdate.payload["message"].has_any(array(PAYMENT_PARTS)).is_(True)
)


def _claim_statement(
    *conditions: ColumnElement[bool], per_lane: int = PER_LANE, newest_first: bool = False
) -> ReturningUpdate[InboxUpdate]:
    """Return the statement that claims open updates, at most `per_lane` of each lane.

    Its text never changes, so that neither SQLAlchemy nor PostgreSQL reads it again: lists are
    arrays. The parameters are `limit` and `exclude`, and those of the conditions.
    """
    order = InboxUpdate.id.desc() if newest_first else InboxUpdate.id.asc()
    may_be_claimed = (*_OPEN, InboxUpdate.attempts < MAX_ATTEMPTS)
    read = (
        select(InboxUpdate.id, InboxUpdate.lane)
        .where(*may_be_claimed, *conditions, _NOT_EXCLUDED)
        .order_by(order)
        .limit(_READ)
        .subquery()
    )
    rank = func.row_number().over(partition_by=read.c.lane, order_by=read.c.id)
    ranked = select(read.c.id, rank.label("rank")).subquery()
    due = (
        select(InboxUpdate.id)
        .where(
            queries.is_one_of(InboxUpdate.id, select(ranked.c.id).where(ranked.c.rank <= per_lane)),
            *may_be_claimed,
        )
        .order_by(order)
        .limit(bindparam("limit", type_=BigInteger))
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    return (
        update(InboxUpdate)
        .where(queries.is_one_of(InboxUpdate.id, select(due.c.id)))
        .values(attempts=InboxUpdate.attempts + 1)
        .returning(InboxUpdate)
        .execution_options(synchronize_session=False, populate_existing=True)
    )


def _numbers(name: str) -> BindParameter[Sequence[int]]:
    return bindparam(name, type_=ARRAY(BigInteger))


_NOT_EXCLUDED = InboxUpdate.id != all_(_numbers("exclude"))
_NOT_FULL = InboxUpdate.lane != all_(_numbers("full_lanes"))
_OF_STAFF = InboxUpdate.lane == any_(_numbers("staff"))
_CLAIM = _claim_statement(~_IS_PRE_CHECKOUT, _NOT_FULL)
_CLAIM_OF_STAFF = _claim_statement(_OF_STAFF, _NOT_FULL)
_CLAIM_PRE_CHECKOUTS = _claim_statement(_IS_PRE_CHECKOUT, per_lane=1, newest_first=True)
_FIND_WAITING = select(
    select(InboxUpdate.id).where(*_OPEN, _OF_STAFF).exists(),
    select(InboxUpdate.id).where(*_OPEN, _IS_PRE_CHECKOUT).exists(),
)
_END_OLD_PRE_CHECKOUTS = (
    update(InboxUpdate)
    .where(
        *(*_OPEN, _IS_PRE_CHECKOUT, _NOT_EXCLUDED),
        InboxUpdate.received_at < func.now() - PRE_CHECKOUT_TIME,
    )
    .values(done_at=func.now(), payload=null())
    .execution_options(synchronize_session=False)
)
_STORE = text(
    """
    INSERT INTO inbox (update_id, lane, payload)
    SELECT update_id, lane, payload::jsonb
    FROM unnest(:update_ids, :lanes, :payloads) WITH ORDINALITY
        AS arrived (update_id, lane, payload, place)
    ORDER BY place
    ON CONFLICT (update_id) DO NOTHING RETURNING id
    """
).bindparams(_numbers("update_ids"), _numbers("lanes"), bindparam("payloads", type_=ARRAY(Text)))
_MARK_ALL = text(
    """
    UPDATE inbox SET done_at = now(), payload = NULL, correlation_id = handled.correlation_id
    FROM unnest(:ids, :correlation_ids) AS handled (id, correlation_id)
    WHERE inbox.id = handled.id AND done_at IS NULL AND failed_at IS NULL
    """
).bindparams(_numbers("ids"), bindparam("correlation_ids", type_=ARRAY(Text)))


def lane_of(payload: dict[str, Any]) -> int:
    """Return the lane of an update, usually the id of its chat.

    Without a chat, the lane is the user's id, or 0. Any part of the JSON can be missing or have
    another type.
    """
    if (own_lane := lanes.own_lane(payload)) is not None:
        return own_lane
    for content in payload.values():
        if not isinstance(content, dict):
            continue
        message = content if "chat" in content else content.get("message")
        chat = message.get("chat") if isinstance(message, dict) else None
        for part in (chat, content.get("from"), content.get("user")):
            lane_id = part.get("id") if isinstance(part, dict) else None
            if isinstance(lane_id, int) and abs(lane_id) < _BIGINT_LIMIT:
                return lane_id
    return 0


def set_aside(update_id: int, text: str, reason: str) -> dict[str, Any]:
    """Return a replacement for an update that cannot be stored, with the JSON text of the update.

    The worker parks it for `reason`.
    """
    return {"update_id": update_id, SET_ASIDE: text[:SET_ASIDE_LIMIT], SET_ASIDE_REASON: reason}


def storable(content: Any) -> Any:
    """Return a copy of JSON data that PostgreSQL can store."""
    if isinstance(content, float) and not math.isfinite(content):
        return None
    if isinstance(content, str):
        valid = content.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        return valid.replace("\0", "")
    if isinstance(content, dict):
        return {storable(name): storable(value) for name, value in content.items()}
    if isinstance(content, list):
        return [storable(value) for value in content]
    return content


def _json_text(update: dict[str, Any]) -> str:
    """Return an update as a JSON text that PostgreSQL can store."""
    # Nearly every update can be stored as it is. `storable` looks at each of its values.
    try:
        content = json.dumps(update, ensure_ascii=False, allow_nan=False)
        content.encode()
    except ValueError:
        return json.dumps(storable(update))
    return json.dumps(storable(update)) if "\\u0000" in content else content


async def store(session: AsyncSession, updates: Sequence[dict[str, Any]]) -> int:
    """Store updates in the order of arrival, and return the number of new updates."""
    if not updates:
        return 0
    stored = await session.execute(
        _STORE,
        {
            "update_ids": [update["update_id"] for update in updates],
            "lanes": [lane_of(update) for update in updates],
            "payloads": [_json_text(update) for update in updates],
        },
    )
    return len(stored.all())


@dataclass(frozen=True)
class Waiting:
    """The kinds of open updates that have claims of their own."""

    staff: bool
    pre_checkouts: bool


async def find_waiting(session: AsyncSession, staff: Collection[int]) -> Waiting:
    """Return whether updates of the lanes `staff` and pre-checkout queries are open."""
    found = await session.execute(_FIND_WAITING, {"staff": list(staff)})
    return Waiting(*found.one())


async def claim_of_staff(
    session: AsyncSession,
    *,
    limit: int,
    exclude: Collection[int] = (),
    full_lanes: Collection[int] = (),
    staff: Collection[int],
) -> Sequence[InboxUpdate]:
    """Claim at most `limit` updates of the lanes `staff`, at most PER_LANE of each lane.

    Ids in `exclude` and updates of `full_lanes` are not claimed. Locks the updates, and skips
    locked ones.
    """
    return await _claim_fairly(
        session,
        _CLAIM_OF_STAFF,
        limit=limit,
        exclude=list(exclude),
        full_lanes=list(full_lanes),
        staff=list(staff),
    )


async def claim_pre_checkouts(
    session: AsyncSession, *, limit: int, exclude: Collection[int] = ()
) -> Sequence[InboxUpdate]:
    """Claim at most `limit` pre-checkout queries, the newest first, at most one of each person.

    Telegram waits PRE_CHECKOUT_TIME for an answer. Queries that are older are marked as done. If
    more queries arrive than can be answered, the newest ones can still be answered in time. Ids in
    `exclude` are not claimed. Locks the updates, and skips locked ones.
    """
    await session.execute(_END_OLD_PRE_CHECKOUTS, {"exclude": list(exclude)})
    rows = await _claim_fairly(session, _CLAIM_PRE_CHECKOUTS, limit=limit, exclude=list(exclude))
    return rows[::-1]


async def claim(
    session: AsyncSession,
    *,
    limit: int,
    exclude: Collection[int] = (),
    full_lanes: Collection[int] = (),
) -> Sequence[InboxUpdate]:
    """Claim at most `limit` open updates in the order of their ids, at most PER_LANE of each lane.

    Counts an attempt of each update. Pre-checkout queries, ids in `exclude` and lanes in
    `full_lanes` are not claimed, and updates with MAX_ATTEMPTS attempts neither. The caller must
    hold the polling lease. Locks the updates, and skips locked ones.
    """
    # The highest claimed id cannot replace `exclude`, because webhooks do not commit in the order
    # of the ids.
    return await _claim_fairly(
        session, _CLAIM, limit=limit, exclude=list(exclude), full_lanes=list(full_lanes)
    )


async def park_exhausted(session: AsyncSession, *, exclude: Collection[int] = ()) -> None:
    """Park open updates with MAX_ATTEMPTS attempts, except ids in `exclude`."""
    await _park_matching(
        session,
        InboxUpdate.id.not_in(exclude),
        InboxUpdate.attempts >= MAX_ATTEMPTS,
        error="claimed too often and never finished",
    )


async def _claim_fairly(
    session: AsyncSession, statement: ReturningUpdate[InboxUpdate], **values: Any
) -> Sequence[InboxUpdate]:
    """Return the claimed updates, ordered by id."""
    claimed = await session.scalars(statement, values)
    return sorted(claimed, key=lambda row: row.id)


async def release_claims(session: AsyncSession, ids: Collection[int]) -> None:
    """Subtract one from the attempts of claimed updates that were not tried."""
    await session.execute(
        update(InboxUpdate)
        .where(InboxUpdate.id.in_(ids), *_OPEN)
        .values(attempts=InboxUpdate.attempts - 1)
        .execution_options(synchronize_session=False)
    )


async def mark_handled(session: AsyncSession, id: int) -> bool:  # noqa: A002 - the row's own name
    """Mark an update as handled and delete its payload, in the transaction that handles it.

    Returns False if another process has handled or parked the update. The caller must then roll
    back.
    """
    marked = await session.scalar(
        update(InboxUpdate)
        .where(InboxUpdate.id == id, *_OPEN)
        .values(done_at=func.now(), payload=null(), correlation_id=correlation_id.get())
        .returning(InboxUpdate.id)
        .execution_options(synchronize_session=False)
    )
    return marked is not None


async def mark_all_handled(
    session: AsyncSession, handled: Collection[tuple[int, str | None]]
) -> None:
    """Mark updates as handled that no transaction of a handler has marked.

    `handled` are pairs of the id of a row and the correlation id of its handling.
    """
    ids, correlation_ids = zip(*sorted(handled, key=lambda pair: pair[0]), strict=True)
    await session.execute(_MARK_ALL, {"ids": list(ids), "correlation_ids": list(correlation_ids)})


async def park(session: AsyncSession, *, id: int, error: str) -> None:  # noqa: A002 - a column
    """Park an update that cannot be handled, and notify the admins.

    A parked update is kept, but never tried again.
    """
    await _park_matching(session, InboxUpdate.id == id, error=error)


async def is_open(session: AsyncSession, update_id: int) -> bool:
    """Return whether the update with this id of Telegram is neither handled nor parked."""
    found = await session.scalar(
        select(InboxUpdate.id).where(InboxUpdate.update_id == update_id, *_OPEN)
    )
    return found is not None


async def count_open(session: AsyncSession) -> int:
    """Return the number of updates that are neither handled nor parked."""
    count = await session.execute(select(func.count()).select_from(InboxUpdate).where(*_OPEN))
    return count.scalar_one()


async def purge(session: AsyncSession) -> None:
    """Delete handled updates after 48 hours, and parked updates without payments after 30 days.

    Of the parked updates without payments, only the last 1,000 are kept.
    """
    await session.execute(select(func.purge_inbox()))


async def _park_matching(
    session: AsyncSession, *conditions: ColumnElement[bool], error: str
) -> None:
    """Park the open updates that meet the conditions, and notify the admins."""
    parked = await session.execute(
        update(InboxUpdate)
        .where(*_OPEN, *conditions)
        .values(
            failed_at=func.now(),
            last_error=error,
            correlation_id=func.coalesce(correlation_id.get(), InboxUpdate.correlation_id),
        )
        .returning(InboxUpdate.id, InboxUpdate.failed_at, IS_PAYMENT)
        .execution_options(synchronize_session=False)
    )
    for inbox_id, failed_at, is_payment in parked.all():
        payload = {"inbox_id": inbox_id, "error": error}
        if is_payment:
            await outbox.add(session, user_id=None, kind="payment_parked", payload=payload)
        else:
            key = f"updates_parked:{failed_at:%Y-%m-%dT%H}"
            await outbox.add(session, user_id=None, kind="updates_parked", payload=payload, key=key)
