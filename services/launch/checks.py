"""Run the checks of the launch. Each check reads facts, and changes nothing.

Source: section 3 of the safety plan.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.operations import Switch
from services.launch import attempts, criteria, micro_campaign, steps
from services.launch.steps import Step
from services.money import escrow, incidents, invariants
from services.platform import guards, heartbeats, killswitches

SCHEDULER = "scheduler"
_NAMED_GUARDS = 5
_REVISION = text("SELECT max(version_num) FROM alembic_version")
_ACTIVE = text(
    """
    SELECT (SELECT count(*) FROM campaigns WHERE status = 'active') AS campaigns,
        (SELECT count(*) FROM post_jobs WHERE status IN ('queued', 'sending', 'uncertain'))
            AS post_jobs
    """
)
_LEDGER_SINCE = text(
    """
    SELECT count(*) AS checks, count(*) FILTER (WHERE violations > 0) AS violations,
        (SELECT count(*) FROM incidents WHERE opened_at >= :since OR closed_at IS NULL)
            AS incidents
    FROM ledger_checkpoints WHERE created_at >= :since
    """
)
_WITHOUT_SWITCH = text(
    """
    SELECT moved.id FROM ledger_transfers moved
    JOIN (VALUES ('deposit', 'deposits'), ('escrow_hold', 'new_escrows'), ('payout', 'payouts'),
        ('refund', 'refunds'), ('withdrawal_hold', 'withdrawals'), ('adjustment', 'adjustments'))
        AS needed (reason, switch) ON needed.reason = moved.reason
    WHERE moved.created_at >= :since AND (
        SELECT change.action FROM user_audit_logs change
        WHERE change.action IN ('kill_switch_run', 'kill_switch_stopped')
            AND change.metadata ->> 'key' = needed.switch AND change.created_at <= moved.created_at
        ORDER BY change.id DESC LIMIT 1) IS DISTINCT FROM 'kill_switch_run'
    ORDER BY moved.id LIMIT 20
    """
)


@dataclass(frozen=True)
class Facts:
    """The facts that the entry point knows, and the database does not."""

    api_status: int | None
    """The HTTP status of `/api/health/ready`, or None if nobody answered."""
    api_problems: str
    """The parts that `/api/health/ready` says are missing."""
    revision: str
    """The revision of the schema that this release needs."""
    amount: int
    """The largest price of the placement of the launch, in minor units."""
    watch: timedelta
    """How long the last check watches after the switch `payouts` runs."""
    sla: timedelta
    """ESCROW_SLA: how long an escrow may be held without a published post."""
    limits: Mapping[str, int]
    """ROLLBACK_LIMITS: the limit of each criterion of a rollback."""


@dataclass(frozen=True)
class Result:
    """The result of one check."""

    passed: bool
    found: str = ""
    """The facts that the check found, as names and ids that need no translation."""
    evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Context:
    """The facts that a check may read besides the tables."""

    facts: Facts
    began_at: datetime
    """When the launch began, by the database's `clock()`."""
    payouts_ran_at: datetime | None
    """When the check `payouts_running` passed."""


Check = Callable[[AsyncSession, Context], Awaitable[Result]]


async def run(session: AsyncSession, step: Step, context: Context) -> Result:
    """Run one check. Raises KeyError for a signature."""
    if step.switch is not None:
        return await _check_switches(session, steps.opened_until(step.switch))
    return await _CHECKS[step.name](session, context)


async def _check_switches(session: AsyncSession, wanted: frozenset[Switch]) -> Result:
    """Check that exactly the wanted switches run."""
    states = await killswitches.overview(session)
    running = {state.key for state in states if state.enabled}
    wrong = [f"+{key.value}" for key in Switch if key in wanted - running]
    wrong += [f"-{key.value}" for key in Switch if key in running - wanted]
    return Result(not wrong, ", ".join(wrong), {"running": sorted(key.value for key in running)})


async def _check_rows(session: AsyncSession, _context: Context) -> Result:
    missing = [state.key.value for state in await killswitches.overview(session) if state.missing]
    return Result(not missing, ", ".join(missing), {"rows": len(Switch) - len(missing)})


async def _check_stopped(session: AsyncSession, _context: Context) -> Result:
    return await _check_switches(session, frozenset())


async def _check_nothing_active(session: AsyncSession, _context: Context) -> Result:
    row = (await session.execute(_ACTIVE)).one()
    counts = {"campaigns": row.campaigns, "post_jobs": row.post_jobs}
    found = ", ".join(f"{name}: {count}" for name, count in counts.items() if count)
    return Result(not found, found, counts)


async def _check_api(_session: AsyncSession, context: Context) -> Result:
    facts = context.facts
    found = facts.api_problems or str(facts.api_status or "no answer")
    passed = facts.api_status == 200 and not facts.api_problems  # noqa: PLR2004 - HTTP's OK
    return Result(passed, "" if passed else found, {"status": facts.api_status})


async def _check_revision(session: AsyncSession, context: Context) -> Result:
    revision = await session.scalar(_REVISION)
    passed = revision is not None and revision >= context.facts.revision
    evidence = {"revision": revision, "needed": context.facts.revision}
    return Result(passed, "" if passed else f"{revision} < {context.facts.revision}", evidence)


async def _check_guards(session: AsyncSession, _context: Context) -> Result:
    differing = guards.of_same_revision(await guards.compare(session))
    names = [str(each) for each in differing]
    return Result(not names, "; ".join(names[:_NAMED_GUARDS]), {"differences": len(names)})


async def _check_processes(session: AsyncSession, _context: Context) -> Result:
    # The bot's process is the one that answers `/api/health/ready`.
    alive = await heartbeats.is_alive(session, name=SCHEDULER)
    return Result(alive, "" if alive else SCHEDULER, {"scheduler": alive})


async def _check_ledger(session: AsyncSession, _context: Context) -> Result:
    violations = await invariants.run(session)
    if violations:
        await incidents.raise_alarm(session, violations)
    evidence = {violation.name: len(violation.rows) for violation in violations}
    return Result(not violations, ", ".join(evidence), {"violations": evidence})


async def _check_hold_blocked(session: AsyncSession, context: Context) -> Result:
    placement = await micro_campaign.pending(session, since=context.began_at)
    if placement is None:
        return await _none(session, context, "pending: 0")
    return await _attempt(session, Switch.NEW_ESCROWS, placement.target_id, escrow.hold)


async def _none(session: AsyncSession, context: Context, found: str) -> Result:
    """Return the result that there is no placement of the launch, and whether a tester has one."""
    tested = await micro_campaign.newest_of_testers(session, since=context.began_at)
    return Result(passed=False, found=found if tested is None else f"{found}, tester {tested}")


async def _check_payout_blocked(session: AsyncSession, context: Context) -> Result:
    placement = await micro_campaign.held(session, since=context.began_at)
    releasable = await escrow.list_releasable(session, limit=1_000)
    if placement is None or placement.target_id not in releasable:
        found = "due: 0"
        if placement is not None and placement.payable_at is not None:
            found += f" ({placement.payable_at:%Y-%m-%d %H:%M} UTC)"
        return Result(passed=False, found=found)
    return await _attempt(session, Switch.PAYOUTS, placement.target_id, escrow.release)


async def _attempt(
    session: AsyncSession, switch: Switch, target_id: int, act: Callable[..., Awaitable[object]]
) -> Result:
    """Call a service for a placement, and check that the switch refuses it."""
    tried = await attempts.attempt(session, lambda: act(session, target_id=target_id))
    changed = [name for name in tried.before if tried.before[name] != tried.after[name]]
    evidence = {"target_id": target_id, "ended_by": tried.ended_by, "tables": dict(tried.before)}
    if tried.was_blocked_by(switch):
        return Result(passed=True, evidence=evidence)
    return Result(passed=False, found=", ".join([tried.ended_by, *changed]), evidence=evidence)


async def _check_test_placement(session: AsyncSession, context: Context) -> Result:
    placement = await micro_campaign.pending(session, since=context.began_at)
    if placement is None:
        return await _none(session, context, "pending: 0")
    evidence = placement.as_json()
    if placement.price > context.facts.amount:
        return Result(passed=False, found=f"price > {context.facts.amount}", evidence=evidence)
    if placement.balance < placement.price:
        return Result(passed=False, found="balance < price", evidence=evidence)
    return Result(passed=True, evidence=evidence)


async def _check_one_escrow(session: AsyncSession, context: Context) -> Result:
    count = await micro_campaign.count_held(session, since=context.began_at)
    placement = await micro_campaign.held(session, since=context.began_at)
    if placement is None or placement.escrow_status != "held" or count != 1:
        return await _none(session, context, f"escrows: {count}")
    evidence = placement.as_json()
    if placement.price > context.facts.amount:
        return Result(passed=False, found=f"price > {context.facts.amount}", evidence=evidence)
    return Result(passed=True, evidence=evidence)


async def _check_hold_entry(session: AsyncSession, context: Context) -> Result:
    placement = await micro_campaign.held(session, since=context.began_at)
    if placement is None:
        return Result(passed=False, found="escrows: 0")
    legs = await micro_campaign.legs(session, placement.target_id, reason="escrow_hold")
    passed = sorted(legs) == [-placement.price, placement.price]
    return Result(passed, "" if passed else str(sorted(legs)), {"escrow_hold": sorted(legs)})


async def _check_processed(session: AsyncSession, context: Context) -> Result:
    placement = await micro_campaign.held(session, since=context.began_at)
    status = None if placement is None else placement.job_status
    passed = status in {"success", "failed", "cancelled"}
    return Result(passed, "" if passed else str(status), {"post_job": status})


async def _check_outcome(session: AsyncSession, context: Context) -> Result:
    """Check that the post is published, or that its failure was refunded."""
    placement = await micro_campaign.held(session, since=context.began_at)
    if placement is None:
        return Result(passed=False, found="escrows: 0")
    passed = placement.job_status == "success" or placement.escrow_status == "refunded"
    found = f"{placement.job_status}, {placement.escrow_status}"
    return Result(passed, "" if passed else found, placement.as_json())


async def _check_fit(session: AsyncSession, context: Context) -> Result:
    """Check that the state of each escrow of the launch fits the state of its post."""
    wrong = await micro_campaign.misfits(session, since=context.began_at)
    return Result(not wrong, ", ".join(wrong), {"misfits": wrong})


async def _check_wallets(session: AsyncSession, context: Context) -> Result:
    rows = await micro_campaign.wallets(session, since=context.began_at)
    wrong = [str(row["id"]) for row in rows if row["balance"] != row["ledger_sum"]]
    return Result(bool(rows) and not wrong, ", ".join(wrong), {"wallets": rows})


async def _check_payout(session: AsyncSession, context: Context) -> Result:
    placement = await micro_campaign.held(session, since=context.began_at)
    if placement is None or placement.escrow_status != "released":
        return Result(passed=False, found=str(placement and placement.escrow_status))
    legs = await micro_campaign.legs(session, placement.target_id, reason="payout")
    passed = legs == [placement.price - placement.fee]
    return Result(passed, "" if passed else str(legs), {"payout": legs})


async def _check_watched(session: AsyncSession, context: Context) -> Result:
    """Check that the time of watching is over, and that nothing was wrong in this time."""
    now = await queries.now(session)
    ran_at = context.payouts_ran_at or context.began_at
    left = ran_at + context.facts.watch - now
    since = max(ran_at, now - context.facts.watch)
    row = (await session.execute(_LEDGER_SINCE, {"since": since})).one()
    # A transfer past a stopped switch is never accepted, however long ago it was.
    unguarded = (await session.scalars(_WITHOUT_SWITCH, {"since": context.began_at})).all()
    facts = context.facts
    met = await criteria.evaluate(session, since=since, sla=facts.sla, limits=facts.limits)
    problems = [f"incidents: {row.incidents}"] if row.incidents else []
    problems += [f"violations: {row.violations}"] if row.violations else []
    problems += [f"transfer {transfer_id}" for transfer_id in unguarded]
    problems += [measured.name for measured in met]
    if not problems and left > timedelta():
        problems = [f"{left.total_seconds() // 60 + 1:.0f} min"]
    elif not problems and not row.checks:
        problems = ["ledger checks: 0"]
    return Result(not problems, ", ".join(problems), {"checks": row.checks})


_CHECKS: Mapping[str, Check] = {
    "switch_rows": _check_rows,
    "all_stopped": _check_stopped,
    "nothing_active": _check_nothing_active,
    "still_stopped": _check_stopped,
    "api_health": _check_api,
    "schema_revision": _check_revision,
    "guards_hold": _check_guards,
    "processes_alive": _check_processes,
    "ledger_clean": _check_ledger,
    "test_placement": _check_test_placement,
    "hold_blocked": _check_hold_blocked,
    "one_escrow_held": _check_one_escrow,
    "hold_in_ledger": _check_hold_entry,
    "post_processed": _check_processed,
    "post_outcome": _check_outcome,
    "payout_blocked": _check_payout_blocked,
    "escrow_fits_outcome": _check_fit,
    "wallets_match": _check_wallets,
    "payout_made": _check_payout,
    "ledger_after_payout": _check_ledger,
    "watched": _check_watched,
}
