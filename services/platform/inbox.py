"""Store updates from Telegram, claim them for handlers, and record whether they were handled."""

import math
from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, null, or_, select, update
from sqlalchemy.dialects.postgresql import array, insert
from sqlalchemy.ext.asyncio import AsyncSession

from db.correlation import correlation_id
from db.models.operations import InboxUpdate
from services.platform import audit, errors, lanes, outbox
from services.platform.actors import OPERATORS, Actor

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
_PAYMENT_PARTS = ("successful_payment", "refunded_payment")
_PAYMENT = InboxUpdate.payload["message"].has_any(array(_PAYMENT_PARTS)).is_(True)
_CHARGE_ID = "telegram_payment_charge_id"


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


async def store(session: AsyncSession, updates: Sequence[dict[str, Any]]) -> int:
    """Store updates in the order of arrival, and return the number of new updates."""
    rows = [
        {
            "update_id": update["update_id"],
            "lane": lane_of(update),
            "payload": storable(update),
        }
        for update in updates
    ]
    if not rows:
        return 0
    stored = await session.execute(
        insert(InboxUpdate)
        .values(rows)
        .on_conflict_do_nothing(index_elements=["update_id"])
        .returning(InboxUpdate.id)
    )
    return len(stored.all())


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
        limit,
        InboxUpdate.lane.in_(staff),
        InboxUpdate.id.not_in(exclude),
        InboxUpdate.lane.not_in(full_lanes),
    )


async def claim_pre_checkouts(
    session: AsyncSession, *, limit: int, exclude: Collection[int] = ()
) -> Sequence[InboxUpdate]:
    """Claim at most `limit` pre-checkout queries, the newest first, at most one of each person.

    Telegram waits PRE_CHECKOUT_TIME for an answer. Queries that are older are marked as done. If
    more queries arrive than can be answered, the newest ones can still be answered in time. Ids in
    `exclude` are not claimed. Locks the updates, and skips locked ones.
    """
    not_excluded = InboxUpdate.id.not_in(exclude)
    await session.execute(
        update(InboxUpdate)
        .where(
            *(*_OPEN, _IS_PRE_CHECKOUT, not_excluded),
            InboxUpdate.received_at < func.now() - PRE_CHECKOUT_TIME,
        )
        .values(done_at=func.now(), payload=null())
        .execution_options(synchronize_session=False)
    )
    return await _claim_fairly(
        session, limit, _IS_PRE_CHECKOUT, not_excluded, per_lane=1, newest_first=True
    )


async def claim(
    session: AsyncSession,
    *,
    limit: int,
    exclude: Collection[int] = (),
    full_lanes: Collection[int] = (),
) -> Sequence[InboxUpdate]:
    """Claim at most `limit` open updates in the order of their ids, at most PER_LANE of each lane.

    Counts an attempt of each update, and parks an update with MAX_ATTEMPTS attempts. Pre-checkout
    queries, ids in `exclude` and lanes in `full_lanes` are not claimed. The caller must hold the
    polling lease. Locks the updates, and skips locked ones.
    """
    # The highest claimed id cannot replace `exclude`, because webhooks do not commit in the order
    # of the ids.
    not_excluded = InboxUpdate.id.not_in(exclude)
    await _park_matching(
        session,
        *(not_excluded, InboxUpdate.attempts >= MAX_ATTEMPTS),
        error="claimed too often and never finished",
    )
    return await _claim_fairly(
        session, limit, ~_IS_PRE_CHECKOUT, not_excluded, InboxUpdate.lane.not_in(full_lanes)
    )


async def _claim_fairly(
    session: AsyncSession,
    limit: int,
    *conditions: ColumnElement[bool],
    per_lane: int = PER_LANE,
    newest_first: bool = False,
) -> Sequence[InboxUpdate]:
    order = InboxUpdate.id.desc() if newest_first else InboxUpdate.id.asc()
    may_be_claimed = (*_OPEN, InboxUpdate.attempts < MAX_ATTEMPTS)
    read = (
        select(InboxUpdate.id, InboxUpdate.lane)
        .where(*may_be_claimed, *conditions)
        .order_by(order)
        .limit(_READ)
        .subquery()
    )
    rank = func.row_number().over(partition_by=read.c.lane, order_by=read.c.id)
    ranked = select(read.c.id, rank.label("rank")).subquery()
    due = (
        select(InboxUpdate.id)
        .where(
            InboxUpdate.id.in_(select(ranked.c.id).where(ranked.c.rank <= per_lane)),
            *may_be_claimed,
        )
        .order_by(order)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    claimed = await session.scalars(
        update(InboxUpdate)
        .where(InboxUpdate.id == due.c.id)
        .values(attempts=InboxUpdate.attempts + 1)
        .returning(InboxUpdate)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    return sorted(claimed, key=lambda row: row.id, reverse=newest_first)


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


async def parked_payments(
    session: AsyncSession, *, limit: int, charge_ids: Collection[str] | None = None
) -> Sequence[InboxUpdate]:
    """Return at most `limit` parked updates about payments or refunds, the first parked first.

    `charge_ids` are Telegram's ids of the wanted payments. None means all payments.
    """
    condition: ColumnElement[bool] = _PAYMENT
    if charge_ids is not None:
        condition = or_(
            *(
                InboxUpdate.payload["message"][part][_CHARGE_ID].astext.in_(charge_ids)
                for part in _PAYMENT_PARTS
            )
        )
    return await _list_parked(session, condition, limit)


def payment_ids(parked: InboxUpdate) -> tuple[str, str]:
    """Return the payment ids in an update about a payment or a refund: Telegram's, the provider's.

    An id is empty if the update does not have it.
    """
    message = (parked.payload or {}).get("message") or {}
    payments = [message[part] for part in _PAYMENT_PARTS if isinstance(message.get(part), dict)]
    payment = payments[0] if payments else {}
    telegram_id, provider_id = (
        str(payment.get(name) or "") for name in (_CHARGE_ID, "provider_payment_charge_id")
    )
    return telegram_id, provider_id


async def parked_updates(session: AsyncSession, *, limit: int) -> Sequence[InboxUpdate]:
    """Return at most `limit` parked updates that are not about payments, the first parked first."""
    return await _list_parked(session, ~_PAYMENT, limit)


async def _list_parked(
    session: AsyncSession, condition: ColumnElement[bool], limit: int
) -> Sequence[InboxUpdate]:
    rows = await session.scalars(
        select(InboxUpdate)
        .where(InboxUpdate.failed_at.is_not(None), condition)
        .order_by(InboxUpdate.failed_at)
        .limit(limit)
    )
    return rows.all()


async def is_parked_payment(session: AsyncSession, inbox_id: int) -> bool:
    """Return whether an id is that of a parked update about a payment or a refund."""
    found = await session.scalar(
        select(InboxUpdate.id).where(
            InboxUpdate.id == inbox_id, InboxUpdate.failed_at.is_not(None), _PAYMENT
        )
    )
    return found is not None


async def retry_payment(session: AsyncSession, *, actor: Actor, inbox_id: int) -> None:
    """Open a parked update about a payment or a refund, so that a handler tries the update again.

    Raises AccessDenied; NotFound if `inbox_id` is not the id of a parked payment or refund.
    """
    role = actor.require_staff(*OPERATORS, action="payment_retry")
    opened = await session.scalar(
        update(InboxUpdate)
        .where(InboxUpdate.id == inbox_id, InboxUpdate.failed_at.is_not(None), _PAYMENT)
        .values(failed_at=None, last_error=None, attempts=0)
        .returning(InboxUpdate.id)
        .execution_options(synchronize_session=False)
    )
    if opened is None:
        raise errors.NotFound("update", inbox_id)
    await audit.record(session, actor=actor, action="payment_retried", role=role, inbox_id=inbox_id)


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
        .returning(InboxUpdate.id, InboxUpdate.failed_at, _PAYMENT)
        .execution_options(synchronize_session=False)
    )
    for inbox_id, failed_at, is_payment in parked.all():
        payload = {"inbox_id": inbox_id, "error": error}
        if is_payment:
            await outbox.add(session, user_id=None, kind="payment_parked", payload=payload)
        else:
            key = f"updates_parked:{failed_at:%Y-%m-%dT%H}"
            await outbox.add(session, user_id=None, kind="updates_parked", payload=payload, key=key)
