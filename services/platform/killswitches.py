"""Read and set kill switches, which allow or forbid one kind of operation in all processes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import TextClause, bindparam, func, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.operations import KillSwitch, Switch, SwitchStop
from db.models.posting import PostJob, PostJobStatus
from db.session import detail, sqlstate
from services.platform import errors
from services.platform.actors import OPERATORS, Actor, correlation_id

LOCK_SPACE = 7_001
"""The first of the two keys of each advisory lock."""
_SHARED = text("SELECT pg_advisory_xact_lock_shared(:space, hashtext(:key))")
_COUNT_RUNNING = text("SELECT count(*) FROM running_switches WHERE key = ANY(:keys)")
_RUNNING = text("SELECT key FROM running_switches")
_STOP = text("SELECT stop_switch(:key, :actor_id, :role, :reason, :correlation_id)")
_RUN = text("SELECT run_switch(:key, :actor_id, :role, :reason, :correlation_id)")
_SETTLE = text("SELECT settle_stop(:key)")
_END_LOCK_HOLDERS = text("SELECT ended, remaining FROM end_lock_holders()")
_OPEN_INCIDENT = text("SELECT open_incident(:kind, :details)").bindparams(
    bindparam("details", type_=JSONB)
)
_NO_OPERATOR = frozenset({"AD042", "AD070"})
_INCIDENT_OPEN = "AD043"
_SAME_PERSON = "AD071"
POSTING_SWITCHES = (Switch.TELEGRAM_POSTING, Switch.WORKER_POST)
"""The switches that must all run before the bot sends a post."""
STOPPED_BY_INCIDENT = (Switch.NEW_ESCROWS, Switch.PAYOUTS, Switch.REFUNDS, Switch.WITHDRAWALS)
"""The switches that stay stopped while an incident about the ledger is open."""
FROZEN_BY_INCIDENT = (*STOPPED_BY_INCIDENT, Switch.ADJUSTMENTS)
"""The switches that the system stops after a violation in the ledger."""
CREATED_STOPPED = "created_stopped"
"""The reason that is stored with a new switch. The text `switch-reason` translates it."""
LEDGER_INCIDENT = "ledger_violation"
"""The kind of an incident about the ledger."""


@dataclass(frozen=True)
class SwitchChange:
    """The result of stopping or running a kill switch."""

    key: Switch
    enabled: bool
    changed: bool
    sends_under_way: int
    """The number of posts that are being sent after a stop of POSTING_SWITCHES, otherwise 0."""
    settled: bool = True
    """Whether all operations that began before a stop have ended."""


@dataclass(frozen=True)
class SwitchState:
    """The state of one switch. A switch without a row (`missing`) counts as stopped."""

    key: Switch
    enabled: bool
    missing: bool
    reason: str | None


async def lock(session: AsyncSession, *keys: Switch) -> None:
    """Take the shared locks of these switches, in the order of their keys.

    The caller must call this function before any lock of a row.
    """
    for key in sorted(keys):
        await session.execute(_SHARED, {"space": LOCK_SPACE, "key": key.value})


async def are_running(session: AsyncSession, *keys: Switch) -> bool:
    """Return whether all these switches are running.

    The caller must have called `lock` in the same transaction.
    """
    count = await session.execute(_COUNT_RUNNING, {"keys": [key.value for key in keys]})
    return bool(count.scalar_one() == len(keys))


async def require(session: AsyncSession, key: Switch) -> None:
    """Raise SwitchStopped if a switch is stopped or has no row.

    The caller must have called `lock` in the same transaction.
    """
    if not await are_running(session, key):
        raise errors.SwitchStopped(key)


async def overview(session: AsyncSession) -> list[SwitchState]:
    """Return the state of every switch. A switch without a row counts as stopped."""
    rows = {row.key: row for row in await session.scalars(select(KillSwitch))}
    running = frozenset((await session.scalars(_RUNNING)).all())
    stops = {
        row.key: row.reason
        for row in await session.scalars(select(SwitchStop).order_by(SwitchStop.id.desc()))
    }
    return [
        SwitchState(key, key in running, missing=False, reason=stops.get(key, row.reason))
        if (row := rows.get(key))
        else SwitchState(key, enabled=False, missing=True, reason=None)
        for key in Switch
    ]


async def set(  # noqa: A001 - the field's word; called as `killswitches.set`
    session: AsyncSession, *, actor: Actor, key: Switch, enabled: bool, reason: str
) -> SwitchChange:
    """Stop or run one switch in one transaction. The bot uses `bot.switches` instead."""
    if enabled:
        return await run(session, actor=actor, key=key, reason=reason)
    change = await stop(session, actor=actor, key=key, reason=reason)
    return await settle(session, change)


async def stop(session: AsyncSession, *, actor: Actor, key: Switch, reason: str) -> SwitchChange:
    """Record that a switch is stopped, add an audit row, and notify the admin chat.

    After the commit, operations that need the switch are refused. The caller must then call
    `settle` in another transaction. If the switch is already stopped, nothing changes. Waits for no
    lock. Raises AccessDenied; NotFound if the switch has no row.
    """
    changed = await _call(session, _STOP, actor, key, reason)
    return SwitchChange(key, enabled=False, changed=changed, sends_under_way=0)


async def settle(session: AsyncSession, change: SwitchChange) -> SwitchChange:
    """Wait for operations that began before a stop, then write the stop into the switch's row.

    Ends sessions that hold the switch's lock longer than 0.4 s. Takes the exclusive lock of the
    switch, then locks its row.
    """
    await session.execute(_SETTLE, {"key": change.key.value})
    sends = await _sends_under_way(session) if change.key in POSTING_SWITCHES else 0
    return replace(change, sends_under_way=sends)


async def end_lock_holders(session: AsyncSession) -> tuple[int, int]:
    """End the database sessions that lock whole tables and so delay a stop.

    Returns how many sessions were ended, and how many remain. Waits for no lock.
    """
    ended, remaining = (await session.execute(_END_LOCK_HOLDERS)).one()
    return ended, remaining


async def list_unsettled(session: AsyncSession) -> Sequence[SwitchChange]:
    """Return the stops that are not yet written into the rows of their switches."""
    keys = await session.scalars(select(SwitchStop.key).distinct())
    return [SwitchChange(key, enabled=False, changed=True, sends_under_way=0) for key in keys]


async def run(session: AsyncSession, *, actor: Actor, key: Switch, reason: str) -> SwitchChange:
    """Let a stopped switch run again, audit the change, and notify the admin chat.

    If the switch already runs, nothing changes. Takes the exclusive lock of the switch, then locks
    its row. Raises AccessDenied, also for the system; NotFound if the switch has no row. For a
    switch of STOPPED_BY_INCIDENT, raises IncidentOpen if an incident about the ledger is open. For
    a switch of FROZEN_BY_INCIDENT, raises SamePerson if the actor closed the last incident, or
    proposed or confirmed its repair. After an error, the caller must roll back.
    """
    changed = await _call(session, _RUN, actor, key, reason)
    return SwitchChange(key, enabled=True, changed=changed, sends_under_way=0)


async def last_change(session: AsyncSession, key: Switch) -> datetime:
    """Return when a switch was last stopped or run, by the database's clock.

    Raises NotFound if the switch has no row.
    """
    changed_at: datetime | None = await session.scalar(
        select(
            func.greatest(
                KillSwitch.changed_at,
                select(func.max(SwitchStop.created_at))
                .where(SwitchStop.key == key)
                .scalar_subquery(),
            )
        ).where(KillSwitch.key == key)
    )
    if changed_at is None:
        raise errors.NotFound("kill_switch", key)
    return changed_at


async def was_stopped_since(session: AsyncSession, key: Switch, moment: datetime) -> bool:
    """Return whether a switch is stopped, and this stop is newer than `moment`.

    Raises NotFound if the switch has no row.
    """
    return not await are_running(session, key) and await last_change(session, key) > moment


async def open_incident(session: AsyncSession, *, kind: str, details: dict[str, Any]) -> int | None:
    """Open an incident about new facts, and return its id, or None if no fact is new.

    `details` has rows by the name of the fault. A row is new if no open incident of this kind has a
    row with the same name and `ref`. Without rows, one incident of this kind can be open. The
    database sends the alarm about the ledger or the audit chain. LEDGER_INCIDENT stops the switches
    of STOPPED_BY_INCIDENT. Waits for no lock that another session can hold for long.
    """
    incident_id: int | None = await session.scalar(
        _OPEN_INCIDENT, {"kind": kind, "details": details}
    )
    return incident_id


async def _call(
    session: AsyncSession, function: TextClause, actor: Actor, key: Switch, reason: str
) -> bool:
    role = _require_role(actor)
    values = {
        "key": key.value,
        "actor_id": actor.user_id,
        "role": role,
        "reason": reason,
        "correlation_id": correlation_id.get(),
    }
    try:
        changed: bool | None = await session.scalar(function, values)
    except DBAPIError as error:
        raise _refusal(error) from error
    if changed is None:
        raise errors.NotFound("kill_switch", key)
    return changed


def _refusal(error: DBAPIError) -> Exception:
    """Translate an error of `stop_switch` or `run_switch` into a domain error."""
    state = sqlstate(error)
    if state in _NO_OPERATOR:
        return errors.AccessDenied("kill_switch")
    if state == _INCIDENT_OPEN:
        return errors.IncidentOpen(int(detail(error)))
    if state == _SAME_PERSON:
        return errors.SamePerson("kill_switch_run")
    return error


def _require_role(actor: Actor) -> str:
    if actor.user_id is None:
        return "system"
    return actor.require_staff(*OPERATORS, action="kill_switch")


async def _sends_under_way(session: AsyncSession) -> int:
    count = await session.execute(
        select(func.count()).where(PostJob.status == PostJobStatus.SENDING)
    )
    return count.scalar_one()
