"""Kill switches: what stops, at once and on every process.

A guarded transaction takes a shared advisory lock per switch and only then, in a separate
statement, reads it; setting takes the same lock alone. So once "stopped" has been answered, nothing
of that kind commits afterwards. The locks come before any row lock: a setter that waits would
otherwise close a circle between two guarded transactions.
"""

from dataclasses import dataclass

from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.operations import Incident, KillSwitch, Switch
from db.models.posting import PostJob, PostJobStatus
from services.platform import audit, errors, outbox
from services.platform.actors import OPERATORS, Actor

LOCK_SPACE = 7_001
_SHARED = text("SELECT pg_advisory_xact_lock_shared(:space, hashtext(:key))")
_ALONE = text("SELECT pg_advisory_xact_lock(:space, hashtext(:key))")
SENDS = (Switch.TELEGRAM_POSTING, Switch.WORKER_POST)
FREEZE = (Switch.NEW_ESCROWS, Switch.PAYOUTS, Switch.REFUNDS, Switch.WITHDRAWALS)
"""What a broken ledger stops by itself."""
LEDGER_INCIDENT = "ledger_violation"


@dataclass(frozen=True)
class SwitchChange:
    """What setting a switch did."""

    key: Switch
    enabled: bool
    changed: bool
    sends_under_way: int
    """Of the posting switches: sends that had begun before; their results are still recorded."""


@dataclass(frozen=True)
class SwitchState:
    """A switch as screens show it."""

    key: Switch
    enabled: bool
    missing: bool
    reason: str | None


async def lock(session: AsyncSession, *keys: Switch) -> None:
    """Take the shared locks of these switches, in the order of their keys, before any row lock."""
    for key in sorted(keys):
        await session.execute(_SHARED, {"space": LOCK_SPACE, "key": key.value})


async def running(session: AsyncSession, *keys: Switch) -> bool:
    """Tell whether all of these run. Reliable only after `lock` in the same transaction."""
    found = await session.execute(
        select(func.count()).where(KillSwitch.key.in_(keys), KillSwitch.enabled)
    )
    return found.scalar_one() == len(keys)


async def require(session: AsyncSession, key: Switch) -> None:
    """Refuse when the switch is stopped or its row is missing; after `lock`.

    Raises SwitchStopped.
    """
    if not await running(session, key):
        raise errors.SwitchStopped(key)


async def overview(session: AsyncSession) -> list[SwitchState]:
    """Return every switch; one whose row is missing counts as stopped."""
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
    """Stop or run one switch, for operators and super admins; audited and told to the admin chat.

    Waits until every guarded transaction under way has ended. Setting what is set already changes
    nothing. Raises AccessDenied; NotFound for a missing row; for running what an incident stopped:
    IncidentOpen while it is open, SamePerson for the person who closed it.
    """
    role = (
        "system" if actor.user_id is None else actor.require_staff(*OPERATORS, action="kill_switch")
    )
    await session.execute(_ALONE, {"space": LOCK_SPACE, "key": key.value})
    row = await session.scalar(
        select(KillSwitch)
        .where(KillSwitch.key == key)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if row is None:
        raise errors.NotFound("kill_switch", key)
    sends = await _sends_under_way(session) if key in SENDS and not enabled else 0
    if row.enabled == enabled:
        return SwitchChange(key, enabled, changed=False, sends_under_way=sends)
    if enabled and key in FREEZE:
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
    found = await session.execute(
        select(func.count()).where(PostJob.status == PostJobStatus.SENDING)
    )
    return found.scalar_one()


async def _require_other_person(session: AsyncSession, actor: Actor, row: KillSwitch) -> None:
    """After an automatic freeze another person than the one who repaired runs it again.

    Once it ran again since, the freeze is over: a later stop is an ordinary one.
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
    frozen = row.changed_at <= incident.closed_at
    if frozen and incident.closed_by is not None and incident.closed_by == actor.user_id:
        raise errors.SamePerson("kill_switch_run")
