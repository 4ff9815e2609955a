"""Read and set kill switches. A switch allows or forbids one kind of act in all processes.

A transaction that needs a switch takes a shared advisory lock for the switch, and only then reads
the switch in a separate statement. To set a switch, a transaction takes the same lock exclusively.
After a switch is stopped, no act of its kind commits any more. The advisory locks are taken before
any row lock. Otherwise a transaction that waits to set the switch could cause a deadlock between
two transactions that need the switch.
"""

from dataclasses import dataclass

from sqlalchemy import func, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.money import Correction, CorrectionStatus
from db.models.operations import Incident, KillSwitch, Switch
from db.models.posting import PostJob, PostJobStatus
from services.platform import audit, errors, outbox
from services.platform.actors import OPERATORS, Actor

LOCK_SPACE = 7_001
"""The first of the two keys of each switch's advisory lock. All switches have the same one."""
_SHARED = text("SELECT pg_advisory_xact_lock_shared(:space, hashtext(:key))")
_EXCLUSIVE = text("SELECT pg_advisory_xact_lock(:space, hashtext(:key))")
POSTING_SWITCHES = (Switch.TELEGRAM_POSTING, Switch.WORKER_POST)
"""The switches that have to be running for posts in channels."""
STOPPED_BY_INCIDENT = (Switch.NEW_ESCROWS, Switch.PAYOUTS, Switch.REFUNDS, Switch.WITHDRAWALS)
"""The switches that the system stops when a check of the ledger finds a violation."""
FROZEN_BY_INCIDENT = (*STOPPED_BY_INCIDENT, Switch.ADJUSTMENTS)
"""All switches that such a violation stops.

An operator may run `adjustments` while the incident is open, because some corrections are the
repair. The other switches stay stopped until the incident is closed.
"""
LEDGER_INCIDENT = "ledger_violation"
"""The kind of the incidents that are opened because an invariant is violated."""


@dataclass(frozen=True)
class SwitchChange:
    """The result of a request to set a switch, for the person who made the request."""

    key: Switch
    enabled: bool
    changed: bool
    sends_under_way: int
    """The number of posts that are being sent when a posting switch is stopped, otherwise 0.

    The results of these sends are still recorded.
    """


@dataclass(frozen=True)
class SwitchState:
    """The state of one switch, for the screens that show it."""

    key: Switch
    enabled: bool
    missing: bool
    reason: str | None


async def lock(session: AsyncSession, *keys: Switch) -> None:
    """Take the shared locks of these switches, in the order of their keys.

    The caller must call this function before it locks any row.
    """
    for key in sorted(keys):
        await session.execute(_SHARED, {"space": LOCK_SPACE, "key": key.value})


async def are_running(session: AsyncSession, *keys: Switch) -> bool:
    """Return whether all of these switches are running.

    The answer is reliable only after `lock` in the same transaction.
    """
    count = await session.execute(
        select(func.count()).where(KillSwitch.key.in_(keys), KillSwitch.enabled)
    )
    return count.scalar_one() == len(keys)


async def require(session: AsyncSession, key: Switch) -> None:
    """Refuse an act if its switch is stopped or has no row. Raises SwitchStopped.

    The caller must have called `lock` in the same transaction.
    """
    if not await are_running(session, key):
        raise errors.SwitchStopped(key)


async def overview(session: AsyncSession) -> list[SwitchState]:
    """Return the state of every switch; a switch without a row counts as stopped."""
    rows = {row.key: row for row in await session.scalars(select(KillSwitch))}
    return [
        SwitchState(key, row.enabled, missing=False, reason=row.reason)
        if (row := rows.get(key))
        else SwitchState(key, enabled=False, missing=True, reason=None)
        for key in Switch
    ]


async def set(  # noqa: A001 - the field's word; called as `killswitches.set`
    session: AsyncSession, *, actor: Actor, key: Switch, enabled: bool, reason: str
) -> SwitchChange:
    """Stop or run one switch, for operators, super admins and the system.

    The change is audited, and the admin chat is notified. If the switch is already stopped or
    running as wanted, nothing is changed. Takes the exclusive lock of the switch, which waits for
    every transaction that has the shared lock. Then locks the row of the switch. Raises
    AccessDenied. Raises NotFound if the row is missing. A switch of STOPPED_BY_INCIDENT may not run
    while the last incident is open (IncidentOpen). After that, nobody who closed the incident or
    confirmed a correction for it may run the switch (SamePerson).
    """
    role = (
        "system" if actor.user_id is None else actor.require_staff(*OPERATORS, action="kill_switch")
    )
    await session.execute(_EXCLUSIVE, {"space": LOCK_SPACE, "key": key.value})
    row = await session.scalar(
        select(KillSwitch)
        .where(KillSwitch.key == key)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if row is None:
        raise errors.NotFound("kill_switch", key)
    sends = await _sends_under_way(session) if key in POSTING_SWITCHES and not enabled else 0
    if row.enabled == enabled:
        return SwitchChange(key, enabled, changed=False, sends_under_way=sends)
    if enabled and key in STOPPED_BY_INCIDENT:
        await _require_other_person(session, actor, row)
    await session.execute(
        update(KillSwitch)
        .where(KillSwitch.key == key)
        .values(enabled=enabled, changed_by=actor.user_id, changed_at=func.clock(), reason=reason)
    )
    await audit.record(
        session,
        actor=actor,
        action="kill_switch_run" if enabled else "kill_switch_stopped",
        role=role,
        key=key.value,
    )
    await outbox.add(
        session,
        user_id=None,
        kind="switch_changed",
        payload={"key": key, "enabled": enabled, "reason": reason, "user_id": actor.user_id},
    )
    return SwitchChange(key, enabled, changed=True, sends_under_way=sends)


async def _sends_under_way(session: AsyncSession) -> int:
    count = await session.execute(
        select(func.count()).where(PostJob.status == PostJobStatus.SENDING)
    )
    return count.scalar_one()


async def _require_other_person(session: AsyncSession, actor: Actor, row: KillSwitch) -> None:
    """Refuse to run a switch before another person has closed the incident that stopped it.

    Raises IncidentOpen if the last incident is open. Raises SamePerson if the actor has closed it,
    or has confirmed a correction since it was opened: nobody judges the repair and the restart
    alone. If the switch was stopped after the incident was closed, the incident did not cause the
    stop. Then the actor is not refused.
    """
    incident = await session.scalar(
        select(Incident)
        .where(Incident.kind == LEDGER_INCIDENT)
        .order_by(Incident.id.desc())
        .limit(1)
    )
    if incident is None:
        return
    if incident.closed_at is None:
        raise errors.IncidentOpen(incident.id)
    if row.changed_at > incident.closed_at or actor.user_id is None:
        return
    if incident.closed_by == actor.user_id or await _has_confirmed_since(session, actor, incident):
        raise errors.SamePerson("kill_switch_run")


async def _has_confirmed_since(session: AsyncSession, actor: Actor, incident: Incident) -> bool:
    """Return whether the actor has confirmed a correction that was done during the incident."""
    found = await session.scalar(
        select(Correction.id)
        .where(
            Correction.confirmed_by == actor.user_id,
            Correction.status.in_((CorrectionStatus.CONFIRMED, CorrectionStatus.DONE)),
            or_(Correction.done_at.is_(None), Correction.done_at >= incident.opened_at),
        )
        .limit(1)
    )
    return found is not None
