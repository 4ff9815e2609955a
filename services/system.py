"""What the clock and the operators do to the whole: checks, watchdogs, proof of life."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import case, func, insert, null, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.campaigns import Campaign, CampaignStatus, CampaignTarget, TargetStatus
from db.models.money import Correction, Escrow, EscrowStatus
from db.models.operations import Heartbeat, Incident, Lease, LedgerCheckpoint, Switch
from db.models.posting import PostJob, PostJobStatus
from services import audit, errors, escrow, killswitches, ledger_checks, outbox
from services.actors import OPERATORS, SYSTEM, Actor
from services.invariants import Violation

ESCROW_SLA = timedelta(hours=24)
UNDECIDED = timedelta(hours=72)
BATCH = 100
HEARTBEAT_LATE = timedelta(seconds=60)
FREEZE_REASON = "ledger invariant violated"
log = structlog.get_logger()


async def check_ledger_invariant(session: AsyncSession) -> list[Violation]:
    """Check what is new and the next part of everything. A violation freezes, see `raise_alarm`.

    Costs as much as what is new since the last run, and a part of fixed size; a run that found
    something is repeated on the same rows. Locks the frozen switches, alone.
    """
    log.info("[INVARIANT] Ledger check started")
    violations, progress, full_since = await _check(session)
    await record_check(session, violations, progress, full_since=full_since)
    return violations


async def record_check(
    session: AsyncSession,
    violations: Sequence[Violation],
    progress: ledger_checks.Progress | None = None,
    *,
    full_since: datetime | None = None,
) -> None:
    """Keep that a check ran and what it found; a violation freezes, see `raise_alarm`.

    `progress` is where the next scheduled check goes on, unless something was found. `full_since`
    is when a check began that has looked at everything.
    """
    await session.execute(
        insert(LedgerCheckpoint).values(
            violations=len(violations),
            details={violation.name: len(violation.rows) for violation in violations},
            progress=null() if violations or progress is None else progress.as_json(),
            full_since=None if violations else full_since,
        )
    )
    if violations:
        await raise_alarm(session, violations)


async def raise_alarm(session: AsyncSession, violations: Sequence[Violation]) -> None:
    """Stop what moves money, open an incident, tell the admin chat which rows are broken.

    Seen again while its incident is open, it alerts no more. Locks the frozen switches, alone.
    """
    log.error(
        "Ledger invariant violated",
        invariants={violation.name: len(violation.rows) for violation in violations},
    )
    missing = {state.key for state in await killswitches.overview(session) if state.missing}
    for key in sorted(set(killswitches.FREEZE) - missing):  # a missing row counts as stopped
        await killswitches.set(session, actor=SYSTEM, key=key, enabled=False, reason=FREEZE_REASON)
    rows = {violation.name: [dict(row) for row in violation.rows] for violation in violations}
    incident_id = await session.scalar(
        upsert(Incident)
        .values(kind=killswitches.LEDGER_INCIDENT, details=rows)
        .on_conflict_do_nothing(index_elements=["kind"], index_where=Incident.closed_at.is_(None))
        .returning(Incident.id)
    )
    if incident_id is not None:
        await outbox.add(
            session,
            user_id=None,
            kind="ledger_violation",
            payload={
                "incident_id": incident_id,
                "violations": [asdict(violation) for violation in violations],
            },
        )


async def open_incidents(session: AsyncSession) -> Sequence[Incident]:
    """Return the incidents that nobody has closed yet, oldest first."""
    rows = await session.scalars(
        select(Incident).where(Incident.closed_at.is_(None)).order_by(Incident.id)
    )
    return rows.all()


async def close_incident(session: AsyncSession, *, actor: Actor, incident_id: int) -> None:
    """Close an incident, once the invariants hold again; its closer cannot run what it stopped.

    Looks at what is new itself, and needs a full check that found nothing and began after the
    incident and after the last repair: of a small ledger this very look is one. Raises
    AccessDenied, NotFound, IncidentOpen while an invariant is still broken, NotChecked.
    """
    role = actor.require_staff(*OPERATORS, action="incident_close")
    incident = await session.get(Incident, incident_id, with_for_update=True)
    if incident is None:
        raise errors.NotFound("incident", incident_id)
    if incident.closed_at is not None:
        return
    violations, progress, full_since = await _check(session)
    if violations:
        raise errors.IncidentOpen(incident_id)
    await record_check(session, violations, progress, full_since=full_since)
    if not await _checked_since(session, incident):
        raise errors.NotChecked(incident_id)
    incident.closed_at = await queries.now(session)
    incident.closed_by = actor.user_id
    await session.flush()
    await audit.record(
        session, actor=actor, action="incident_closed", role=role, incident_id=incident_id
    )


async def refund_stuck_escrows(session: AsyncSession, *, sla: timedelta = ESCROW_SLA) -> int:
    """Fail and refund what is held past the SLA with no post out; return how many were stuck.

    Counted from the later of the hold and `publish_at`. `sending` and `uncertain` are never
    touched: nobody knows whether they are in the channel. While the switches `worker_watchdogs` or
    `refunds` are stopped it only counts. Locks the switches, then each target, job and escrow.
    """
    switches = (Switch.REFUNDS, Switch.WORKER_WATCHDOGS)
    await killswitches.lock(session, *switches)
    acting = await killswitches.running(session, *switches)
    stuck = (
        select(CampaignTarget.id, Campaign.advertiser_id)
        .join(Campaign, Campaign.id == CampaignTarget.campaign_id)
        .join(Escrow, Escrow.campaign_target_id == CampaignTarget.id)
        .outerjoin(PostJob, PostJob.campaign_target_id == CampaignTarget.id)
        .where(
            Escrow.status == EscrowStatus.HELD,
            Escrow.created_at < func.clock() - sla,
            func.greatest(Escrow.created_at, CampaignTarget.publish_at) < func.clock() - sla,
            or_(PostJob.id.is_(None), PostJob.status == PostJobStatus.QUEUED),
        )
        .order_by(CampaignTarget.id)
        .limit(BATCH)
    )
    if acting:
        stuck = stuck.with_for_update(of=CampaignTarget, skip_locked=True)
    rows = (await session.execute(stuck)).all()
    targets = [target_id for target_id, _ in rows]
    if not targets:
        return 0
    log.warning("[CRON] Escrow watchdog triggered", stuck=len(targets), acting=acting)
    if acting:
        # By person, as every transaction that moves the money of several: no circle of wallets.
        for target_id, _ in sorted(rows, key=lambda row: (row.advertiser_id, row.id)):
            await _give_up(session, target_id)
    await outbox.add(
        session,
        user_id=None,
        kind="escrow_watchdog",
        payload={"count": len(targets), "acting": acting, "targets": list(targets)},
        key=f"escrow_watchdog:{acting}:{targets[0]}:{targets[-1]}:{len(targets)}",
    )
    return len(targets)


async def expire_targets(session: AsyncSession) -> int:
    """End pending targets that nobody decided on; return how many. A tick.

    Expired: 72 h after submission or at `publish_at`, whichever is first. Withdrawn: those of a
    cancelled campaign. A target with money held for it is the watchdog's.
    """
    cancelled = Campaign.status == CampaignStatus.CANCELLED
    locked = await session.scalars(
        select(CampaignTarget.id)
        .join(Campaign, Campaign.id == CampaignTarget.campaign_id)
        .where(
            CampaignTarget.status == TargetStatus.PENDING,
            or_(
                CampaignTarget.created_at < func.clock() - UNDECIDED,
                CampaignTarget.publish_at <= func.clock(),
                cancelled,
            ),
            ~queries.has_escrow(),
        )
        .order_by(CampaignTarget.id)
        .limit(BATCH)
        .with_for_update(of=CampaignTarget, skip_locked=True)
    )
    # Read again under the locks: a hold that came in between changed no row of the target.
    over = await session.execute(
        select(CampaignTarget, Campaign.advertiser_id, cancelled)
        .join(Campaign, Campaign.id == CampaignTarget.campaign_id)
        .where(CampaignTarget.id.in_(locked.all()), ~queries.has_escrow())
        .order_by(CampaignTarget.id)
        .execution_options(populate_existing=True)
    )
    rows = over.all()
    moment = await queries.now(session)
    for target, advertiser_id, withdrawn in rows:
        target.status = TargetStatus.WITHDRAWN if withdrawn else TargetStatus.EXPIRED
        target.decided_at = moment
        await session.flush()
        await audit.record(
            session,
            actor=SYSTEM,
            action=f"target_{target.status}",
            role="system",
            target_id=target.id,
        )
        if not withdrawn:
            await outbox.add(
                session,
                user_id=advertiser_id,
                kind="target_expired",
                payload={"target_id": target.id},
                key=f"target_expired:{target.id}",
            )
    return len(rows)


async def beat(session: AsyncSession, *, owner: str, name: str) -> None:
    """Say that a process is alive, by the real clock."""
    await session.execute(
        upsert(Heartbeat)
        .values(owner=owner, name=name)
        .on_conflict_do_update(index_elements=["owner"], set_={"beat_at": func.now()})
    )


async def alive(session: AsyncSession, *, name: str) -> bool:
    """Tell whether a process of this name has beaten lately."""
    found = await session.scalar(
        select(Heartbeat.owner)
        .where(Heartbeat.name == name, Heartbeat.beat_at > func.now() - HEARTBEAT_LATE)
        .limit(1)
    )
    return found is not None


async def clock_shift(session: AsyncSession) -> timedelta:
    """Return how far `clock()` runs ahead; anything but zero is refused in production."""
    found = await session.execute(select(func.clock() - func.statement_timestamp()))
    shift: timedelta = found.scalar_one()
    return shift


async def take_lease(session: AsyncSession, *, name: str, owner: str, ttl: timedelta) -> int | None:
    """Take or prolong a lease; return its epoch, or None while another holds it. Real clock."""
    taken = await session.execute(
        upsert(Lease)
        .values(name=name, owner=owner, held_until=func.now() + ttl)
        .on_conflict_do_update(
            index_elements=["name"],
            set_={
                "owner": owner,
                "held_until": func.now() + ttl,
                "epoch": Lease.epoch + case((Lease.owner != owner, 1), else_=0),
            },
            where=or_(Lease.owner == owner, Lease.held_until < func.now()),
        )
        .returning(Lease.epoch)
    )
    return taken.scalar_one_or_none()


async def holds_lease(session: AsyncSession, *, name: str, owner: str, epoch: int) -> bool:
    """Tell whether a lease is still held in this epoch; another may have held it since."""
    found = await session.scalar(
        select(Lease.name).where(
            Lease.name == name,
            Lease.owner == owner,
            Lease.epoch == epoch,
            Lease.held_until > func.now(),
        )
    )
    return found is not None


async def drop_lease(session: AsyncSession, *, name: str, owner: str) -> None:
    """Let a lease go, so that another need not wait for its end."""
    await session.execute(
        update(Lease).where(Lease.name == name, Lease.owner == owner).values(held_until=func.now())
    )


async def readiness(session: AsyncSession) -> dict[str, Any]:
    """Return what readiness shows: every switch, the clock's heartbeat, the schema's revision."""
    switches = await killswitches.overview(session)
    return {
        "scheduler": await alive(session, name="scheduler"),
        "switches": {
            state.key.value: "missing"
            if state.missing
            else "enabled"
            if state.enabled
            else "disabled"
            for state in switches
        },
    }


async def _check(
    session: AsyncSession,
) -> tuple[list[Violation], ledger_checks.Progress, datetime | None]:
    """Go on from the last check that was clean; say when this began, if it has seen everything."""
    kept = await session.scalar(
        select(LedgerCheckpoint.progress)
        .where(LedgerCheckpoint.progress.is_not(None))
        .order_by(LedgerCheckpoint.id.desc())
        .limit(1)
    )
    began = await queries.now(session)
    before = ledger_checks.Progress(**kept) if kept else ledger_checks.Progress()
    violations, after = await ledger_checks.run(session, before)
    return violations, after, began if before.at_start and after.at_start else None


async def _checked_since(session: AsyncSession, incident: Incident) -> bool:
    """Tell whether everything was checked after an incident and the last repair, and was clean."""
    last_broken = (
        select(func.coalesce(func.max(LedgerCheckpoint.id), 0))
        .where(LedgerCheckpoint.violations > 0)
        .scalar_subquery()
    )
    last_repair = select(func.max(Correction.done_at)).scalar_subquery()
    found = await session.scalar(
        select(LedgerCheckpoint.id)
        .where(
            LedgerCheckpoint.id > last_broken,
            LedgerCheckpoint.full_since >= func.greatest(incident.opened_at, last_repair),
        )
        .limit(1)
    )
    return found is not None


async def _give_up(session: AsyncSession, target_id: int) -> None:
    """Fail the post and refund it, unless a worker took it since we looked."""
    placement = await queries.lock_placement(session, target_id)
    if placement is None or placement.escrow is None:
        return
    if placement.escrow.status is not EscrowStatus.HELD:
        return
    if placement.job is not None:
        if placement.job.status is not PostJobStatus.QUEUED:
            return
        placement.job.status = PostJobStatus.FAILED
        placement.job.last_error = "not posted in time"
        placement.job.updated_at = await queries.now(session)
        await session.flush()
    await escrow.refund_locked(session, placement, placement.escrow)
