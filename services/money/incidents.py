"""What the clock and the operators do to the whole: checks, watchdogs, proof of life."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

import structlog
from sqlalchemy import func, insert, null, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.money import Correction
from db.models.operations import Incident, LedgerCheckpoint
from services.money import incremental_check
from services.money.invariants import Violation
from services.platform import audit, errors, killswitches, outbox
from services.platform.actors import OPERATORS, SYSTEM, Actor

BATCH = 100
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
    progress: incremental_check.Progress | None = None,
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
    for key in sorted(
        set(killswitches.STOPPED_BY_INCIDENT) - missing
    ):  # a missing row counts as stopped
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


async def _check(
    session: AsyncSession,
) -> tuple[list[Violation], incremental_check.Progress, datetime | None]:
    """Go on from the last check that was clean; say when this began, if it has seen everything."""
    kept = await session.scalar(
        select(LedgerCheckpoint.progress)
        .where(LedgerCheckpoint.progress.is_not(None))
        .order_by(LedgerCheckpoint.id.desc())
        .limit(1)
    )
    began = await queries.now(session)
    before = incremental_check.Progress(**kept) if kept else incremental_check.Progress()
    violations, after = await incremental_check.run(session, before)
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
