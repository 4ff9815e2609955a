"""Check the ledger, and open and close incidents (records of a fault)."""

from collections.abc import Sequence
from datetime import datetime

import structlog
from sqlalchemy import DateTime, bindparam, func, null, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.corrections import Correction
from db.models.operations import Incident, LedgerCheckpoint, Switch
from services.money import incremental_check
from services.money.invariants import Violation
from services.platform import audit, errors, guards, killswitches
from services.platform.actors import OPERATORS, SYSTEM, Actor

AUDIT_CHAIN_INCIDENT = "audit_chain_broken"
"""The kind of an incident about the audit chain itself, that is, about its links or its file."""
FREEZE_REASON = "ledger_invariant_violated"
"""The reason that is stored if an incident stops kill switches. The bot translates it.

The database function `open_incident` has the same word.
"""
_RECORD = text(
    "SELECT record_ledger_check(:violations, :details, :progress, :full_since)"
).bindparams(
    bindparam("details", type_=JSONB),
    bindparam("progress", type_=JSONB),
    bindparam("full_since", type_=DateTime(timezone=True)),
)
log = structlog.get_logger()


async def check_ledger_invariant(session: AsyncSession) -> list[Violation]:
    """Run and record the scheduled check of the ledger, and return the violations. Locks nothing.

    The session needs the login of the scheduler, because no other login may record a check.
    """
    log.info("[INVARIANT] Ledger check started")
    violations, progress, full_since = await _check(session)
    await record_check(session, violations, progress, full_since=full_since)
    return violations


async def check_on_demand(session: AsyncSession) -> list[Violation]:
    """Check the ledger without a record of the check, and return the violations.

    Violations raise an alarm (`raise_alarm`). Locks nothing.
    """
    violations, _, _ = await _check(session)
    if violations:
        await raise_alarm(session, violations)
    return violations


async def record_check(
    session: AsyncSession,
    violations: Sequence[Violation],
    progress: incremental_check.Progress | None = None,
    *,
    full_since: datetime | None = None,
) -> None:
    """Record a check of the ledger, and raise an alarm for violations (`raise_alarm`).

    Without violations, stores `progress`, the point where the next check begins. `full_since` is
    the start of a check of all rows (with a time zone), or None for a smaller check.
    """
    await session.execute(
        _RECORD,
        {
            "violations": len(violations),
            "details": {violation.name: len(violation.rows) for violation in violations},
            "progress": null() if violations or progress is None else progress.as_json(),
            "full_since": None if violations else full_since,
        },
    )
    if violations:
        await raise_alarm(session, violations)


async def raise_alarm(session: AsyncSession, violations: Sequence[Violation]) -> None:
    """Open an incident about the ledger, and forbid most movements of money.

    The incident has those wrong rows that no open incident about the ledger has. If there are no
    such rows, nothing changes. The database notifies the admin chat. After the commit, no new
    escrow, payout, refund, withdrawal or adjustment can begin. Waits for no lock that another
    session can hold for long.
    """
    log.error(
        "Ledger invariant violated",
        invariants={violation.name: len(violation.rows) for violation in violations},
    )
    rows = {violation.name: [dict(row) for row in violation.rows] for violation in violations}
    if await killswitches.open_incident(session, kind=killswitches.LEDGER_INCIDENT, details=rows):
        await killswitches.stop(session, actor=SYSTEM, key=Switch.ADJUSTMENTS, reason=FREEZE_REASON)


async def report_audit_chain(session: AsyncSession, faults: Sequence[Violation]) -> None:
    """Open an incident about those faults of the audit chain that no open incident has.

    The database notifies the admin chat.
    """
    log.error("Audit chain broken", faults=[fault.name for fault in faults])
    await killswitches.open_incident(
        session,
        kind=AUDIT_CHAIN_INCIDENT,
        details={fault.name: list(fault.rows) for fault in faults},
    )


async def open_incidents(session: AsyncSession) -> Sequence[Incident]:
    """Return the open incidents, the oldest first."""
    rows = await session.scalars(
        select(Incident).where(Incident.closed_at.is_(None)).order_by(Incident.id)
    )
    return rows.all()


async def is_open(session: AsyncSession, incident_id: int) -> bool:
    """Return whether the incident with this id exists and is open."""
    incident = await session.get(Incident, incident_id)
    return incident is not None and incident.closed_at is None


async def close_incident(session: AsyncSession, *, actor: Actor, incident_id: int) -> None:
    """Close an incident after a check of the ledger. The stopped kill switches stay stopped.

    The actor has pressed the confirmation, in the update that is being handled. A full check after
    the incident and after the last repair must have found no violation, and the scheduler's login
    must have recorded this check. If the incident is already closed, nothing changes. Locks the
    incident. Raises AccessDenied, NotFound; InvariantBroken if a check finds a violation;
    GuardsDiffer if the incident is about a guard, and one still differs from the release;
    NotChecked if the full check is missing.
    """
    role = actor.require_staff(*OPERATORS, action="incident_close")
    incident = await session.get(Incident, incident_id, with_for_update=True)
    if incident is None:
        raise errors.NotFound("incident", incident_id)
    if incident.closed_at is not None:
        return
    violations, _, _ = await _check(session)
    if violations:
        raise errors.InvariantBroken(incident_id)
    if incident.kind in guards.INCIDENTS:
        differences = guards.of_same_revision(await guards.compare(session))
        for each in differences[:1]:
            raise errors.GuardsDiffer(incident_id, str(each), each.repair)
    if not await _is_fully_checked_since(session, incident):
        raise errors.NotChecked(incident_id)
    incident.closed_at = await queries.now(session)
    incident.closed_by, incident.closed_in = actor.user_id, actor.inbox_id
    await session.flush()
    await audit.record(
        session, actor=actor, action="incident_closed", role=role, incident_id=incident_id
    )


async def _check(
    session: AsyncSession,
) -> tuple[list[Violation], incremental_check.Progress, datetime | None]:
    """Check the ledger from the end of the last check without a violation.

    Returns the violations, the new progress, and the start of a check of all rows (otherwise None).
    """
    stored = await session.scalar(
        select(LedgerCheckpoint.progress)
        .where(LedgerCheckpoint.progress.is_not(None))
        .order_by(LedgerCheckpoint.id.desc())
        .limit(1)
    )
    began = await queries.now(session)
    before = incremental_check.Progress(**stored) if stored else incremental_check.Progress()
    violations, after = await incremental_check.run(session, before)
    return violations, after, began if before.at_start and after.at_start else None


async def _is_fully_checked_since(session: AsyncSession, incident: Incident) -> bool:
    """Return whether a full check after an incident and the last repair found no violation."""
    last_violation_id = (
        select(func.coalesce(func.max(LedgerCheckpoint.id), 0))
        .where(LedgerCheckpoint.violations > 0)
        .scalar_subquery()
    )
    last_repair = select(func.max(Correction.done_at)).scalar_subquery()
    checkpoint_id = await session.scalar(
        select(LedgerCheckpoint.id)
        .where(
            LedgerCheckpoint.id > last_violation_id,
            LedgerCheckpoint.full_since >= func.greatest(incident.opened_at, last_repair),
        )
        .limit(1)
    )
    return checkpoint_id is not None
