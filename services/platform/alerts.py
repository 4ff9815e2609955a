"""Store which alerts are firing, so that each change is sent once, also after a restart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from db.models.operations import Alert
from services.platform import alert_conditions, outbox
from services.platform.alert_conditions import BY_NAME, Watcher


@dataclass(frozen=True)
class Change:
    """An alert that has begun to fire, or that is over."""

    name: str
    watcher: Watcher
    firing: bool
    value: float
    changed_at: datetime
    lasted: timedelta = timedelta()
    """How long the alert was firing, if it is over."""


async def record(
    session: AsyncSession, *, watcher: Watcher, firing: Mapping[str, float]
) -> list[Change]:
    """Store which alerts of `watcher` are firing, and return those that have changed.

    `firing` has the names of all conditions that are met, each with its fact. The scheduler's
    changes are queued to the admin chat. The bot sends its own changes (`list_not_in_chat`). Locks
    the rows of the alerts.
    """
    rows = {
        row.name: row
        for row in await session.scalars(
            select(Alert).where(Alert.watcher == watcher).with_for_update()
        )
    }
    changes = []
    for condition in alert_conditions.watched_by(watcher):
        row, value = rows.get(condition.name), firing.get(condition.name)
        if (value is not None) == (row is not None and row.firing):
            continue
        changed_at = (await session.execute(select(func.now()))).scalar_one()
        stored = {
            "firing": value is not None,
            "value": value or 0.0,
            "changed_at": changed_at,
            "in_chat": watcher == "scheduler",
            "sent_out": not condition.urgent,
        }
        await session.execute(
            upsert(Alert)
            .values(name=condition.name, watcher=watcher, **stored)
            .on_conflict_do_update(index_elements=["name", "watcher"], set_=stored)
        )
        lasted = changed_at - row.changed_at if row is not None and row.firing else timedelta()
        change = Change(
            condition.name, watcher, value is not None, value or 0.0, changed_at, lasted
        )
        changes.append(change)
        if watcher == "scheduler" and not condition.own_notice:
            await _queue(session, change)
    return changes


async def assume_firing(session: AsyncSession, *, watcher: Watcher, name: str) -> None:
    """Store an alert as firing and told, so that its end is told.

    For an alert that could not be stored when it began. Locks the alert's row.
    """
    told = {"firing": True, "value": 1.0, "in_chat": True, "sent_out": True}
    await session.execute(
        upsert(Alert)
        .values(name=name, watcher=watcher, **told)
        .on_conflict_do_update(index_elements=["name", "watcher"], set_=told)
    )


async def assume_over(session: AsyncSession, *, watcher: Watcher, name: str) -> None:
    """Store an alert, if it has a row, as over and told. Locks the alert's row."""
    await session.execute(
        update(Alert)
        .where(Alert.watcher == watcher, Alert.name == name)
        .values(firing=False, in_chat=True, sent_out=True)
        .execution_options(synchronize_session=False)
    )


async def list_not_in_chat(session: AsyncSession, watcher: Watcher) -> Sequence[Change]:
    """Return the changes of `watcher` that are not yet in the admin chat."""
    return await _list(session, watcher, Alert.in_chat)


async def list_not_sent_out(session: AsyncSession, watcher: Watcher) -> Sequence[Change]:
    """Return the changes of `watcher` that the alert routes have not taken yet."""
    return await _list(session, watcher, Alert.sent_out)


async def record_in_chat(session: AsyncSession, change: Change) -> None:
    """Record that a change is in the admin chat, unless the alert has changed since."""
    await _mark(session, change, in_chat=True)


async def record_sent_out(session: AsyncSession, change: Change) -> None:
    """Record that the alert routes have taken a change, unless the alert has changed since."""
    await _mark(session, change, sent_out=True)


async def names_firing(session: AsyncSession) -> Sequence[str]:
    """Return the names of all alerts that are firing, in the order of the conditions."""
    firing = set(await session.scalars(select(Alert.name).where(Alert.firing)))
    return [name for name in BY_NAME if name in firing]


async def _list(
    session: AsyncSession, watcher: Watcher, done: InstrumentedAttribute[bool]
) -> Sequence[Change]:
    rows = await session.scalars(
        select(Alert).where(Alert.watcher == watcher, done.is_(False)).order_by(Alert.changed_at)
    )
    return [
        Change(row.name, watcher, row.firing, row.value, row.changed_at)
        for row in rows
        if row.name in BY_NAME
    ]


async def _mark(session: AsyncSession, change: Change, **values: bool) -> None:
    await session.execute(
        update(Alert)
        .where(
            Alert.name == change.name,
            Alert.watcher == change.watcher,
            Alert.changed_at == change.changed_at,
        )
        .values(**values)
        .execution_options(synchronize_session=False)
    )


async def _queue(session: AsyncSession, change: Change) -> None:
    payload: dict[str, Any] = {"name": change.name}
    if not change.firing:
        payload["minutes"] = max(int(change.lasted.total_seconds() // 60), 1)
    kind = "alert_firing" if change.firing else "alert_resolved"
    await outbox.add(session, user_id=None, kind=kind, payload=payload)
