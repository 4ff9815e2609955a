"""Read and set kill switches, which allow or forbid one kind of operation in all processes."""

from collections.abc import Iterable, Sequence
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
from services.platform import errors, users
from services.platform.actors import OPERATORS, Actor, correlation_id

LOCK_SPACE = 7_001
"""The first of the two keys of each advisory lock."""
_SHARED = text("SELECT pg_advisory_xact_lock_shared(:space, hashtext(:key))")
_COUNT_RUNNING = text("SELECT count(*) FROM running_switches WHERE key = ANY(:keys)")
_RUNNING = text("SELECT key FROM running_switches")
_STOP = text("SELECT stop_switch(:key, :actor_id, :role, :reason, :correlation_id)")
_RUN = text("SELECT run_switch(:key, :actor_id, :role, :reason, :correlation_id)")
_STOP_ALL = text("SELECT stop_all_switches(:actor_id, :role, :reason, :correlation_id)")
_SETTLE = text(
    """
    SELECT DISTINCT pid, login, program, seconds, ended FROM jsonb_to_recordset(settle_stops(:keys))
    AS holder (pid integer, login text, program text, seconds float, ended boolean)
    ORDER BY seconds DESC NULLS LAST
    """
)
_END_LOCK_HOLDERS = text("SELECT ended, remaining FROM end_lock_holders()")
# A row that says "stopped" already is settled, also if a later stop of the switch is not.
_UNSETTLED = text(
    "SELECT key FROM kill_switches WHERE enabled AND key = ANY(:keys)"
    " AND key IN (SELECT key FROM switch_stops)"
)
_OPEN_INCIDENT = text("SELECT open_incident(:kind, :details)").bindparams(
    bindparam("details", type_=JSONB)
)
# Both are read anew in a session that has read them before.
_ROWS = select(KillSwitch).execution_options(populate_existing=True)
_STOPS = select(SwitchStop).order_by(SwitchStop.id.desc()).execution_options(populate_existing=True)
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
NO_REASON = "no_reason_given"
"""The reason of a stop whose person gave none. The text `switch-reason` translates it."""
LEDGER_INCIDENT = "ledger_violation"
"""The kind of an incident about the ledger."""


@dataclass(frozen=True)
class SwitchHolder:
    """A database session that held the lock or the row of a kill switch and delayed a stop."""

    pid: int
    login: str
    """The database role of the session."""
    program: str
    """The name that the session's program gave itself. It may be empty."""
    seconds: float
    """How long the transaction had been open."""
    ended: bool
    """Whether the session was ended. A superuser's session cannot be ended."""


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
    holders: tuple[SwitchHolder, ...] = ()
    """The sessions that delayed a stop and were ended, or could not be ended."""
    overtaken_by: "SwitchState | None" = None
    """The state after the change, if somebody else has changed the switch meanwhile."""


@dataclass(frozen=True)
class SwitchState:
    """The state of one switch. A switch without a row (`missing`) counts as stopped."""

    key: Switch
    enabled: bool
    missing: bool
    reason: str | None
    changed_at: datetime | None = None
    """When the switch was last stopped or run. None if it has no row."""
    changed_by: int | None = None
    """The Telegram id of the person who did that. None means the system."""


@dataclass(frozen=True)
class StopOfAll:
    """The result of stopping all kill switches."""

    stopped: tuple[Switch, ...]
    """The switches that were running before."""
    before: tuple[SwitchState, ...]
    """The states of the other switches, which were stopped already or have no row."""
    sends_under_way: int = 0
    """The number of posts that are being sent after the stop."""
    unsettled: tuple[Switch, ...] = ()
    """The switches with operations from before the stop that may still be under way."""
    holders: tuple[SwitchHolder, ...] = ()
    """The sessions that delayed the stop and were ended, or could not be ended."""


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
    rows = {row.key: row for row in await session.scalars(_ROWS)}
    running = frozenset((await session.scalars(_RUNNING)).all())
    # The first stop that is not settled: this one is written into the row of its switch.
    stops = {row.key: row for row in await session.scalars(_STOPS)}
    changes = {
        key: (first.reason, first.created_at, first.stopped_by)
        if (first := stops.get(key))
        else (row.reason, row.changed_at, row.changed_by)
        for key, row in rows.items()
    }
    user_ids = {user_id for _, _, user_id in changes.values() if user_id is not None}
    people = await users.telegram_ids(session, user_ids)
    states = []
    for key in Switch:
        reason, changed_at, user_id = changes.get(key, (None, None, None))
        by = None if user_id is None else people.get(user_id)
        states.append(SwitchState(key, key in running, key not in rows, reason, changed_at, by))
    return states


async def read(session: AsyncSession, key: Switch) -> SwitchState:
    """Return the state of one switch. A switch without a row counts as stopped."""
    return next(state for state in await overview(session) if state.key is key)


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

    Ends sessions that hold the switch's lock or row longer than 0.4 s. Takes the exclusive lock of
    the switch, then locks its row.
    """
    holders, unsettled = await _settle(session, [change.key])
    sends = await _sends_under_way(session) if change.key in POSTING_SWITCHES else 0
    change = await compare_with_state(session, change)
    return replace(change, sends_under_way=sends, settled=not unsettled, holders=holders)


async def compare_with_state(session: AsyncSession, change: SwitchChange) -> SwitchChange:
    """Set `overtaken_by` of a committed change if the switch has another state now."""
    state = await read(session, change.key)
    return replace(change, overtaken_by=None if state.enabled == change.enabled else state)


async def stop_all(session: AsyncSession, *, actor: Actor, reason: str) -> StopOfAll:
    """Record that every switch is stopped, add audit rows, and notify the admin chat once.

    An empty `reason` becomes NO_REASON. After the commit, all operations that need a switch are
    refused. The caller must then call `settle_all` in another transaction. Waits for no lock.
    Raises AccessDenied.
    """
    values = {
        "actor_id": actor.user_id,
        "role": _require_role(actor),
        "reason": reason.strip() or NO_REASON,
        "correlation_id": correlation_id.get(),
    }
    try:
        stopped = frozenset(await session.scalar(_STOP_ALL, values) or ())
    except DBAPIError as error:
        raise _refusal(error) from error
    return StopOfAll(
        stopped=tuple(key for key in Switch if key in stopped),
        before=tuple(state for state in await overview(session) if state.key not in stopped),
    )


async def settle_all(session: AsyncSession, stop: StopOfAll) -> StopOfAll:
    """Wait for operations that began before a stop of all switches, then settle the stops.

    Ends sessions that hold the lock or row of a switch longer than 0.4 s. Takes the exclusive locks
    of the switches in the order of their keys, each with its row.
    """
    holders, unsettled = await _settle(session, Switch)
    sends = await _sends_under_way(session)
    return replace(stop, sends_under_way=sends, unsettled=unsettled, holders=holders)


async def _settle(
    session: AsyncSession, keys: Iterable[Switch]
) -> tuple[tuple[SwitchHolder, ...], tuple[Switch, ...]]:
    """Settle stops. Return the sessions that held switches, and the keys that are not settled."""
    values = {"keys": [key.value for key in keys]}
    holders = (await session.execute(_SETTLE, values)).all()
    unsettled = frozenset((await session.scalars(_UNSETTLED, values)).all())
    return (
        tuple({holder.pid: SwitchHolder(*holder) for holder in holders}.values()),
        tuple(key for key in Switch if key in unsettled),
    )


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
