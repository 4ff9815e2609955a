"""Watch the eight criteria of a rollback, and stop all money and posting when one is met.

Source: "Trigger rollback if" in the production checklist (the first four), and "Rollback Criteria"
in the safety plan (the others). They are watched from the last signature of the launch on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.launch import steps
from services.platform import killswitches, outbox
from services.platform.actors import SYSTEM

INCIDENT = "rollback_criterion"
"""The kind of the incident that a met criterion opens, and the reason of the stops."""
SLA_GRACE = timedelta(minutes=5)
"""The time that the watchdog has to refund an escrow after its SLA."""


@dataclass(frozen=True)
class Criterion:
    """A criterion of a rollback: it is met while the query returns its limit or more.

    `rollback_limits` has the usual limits.
    """

    name: str
    sql: str


@dataclass(frozen=True)
class Measured:
    """A criterion with the measured number."""

    name: str
    value: int
    threshold: int

    @property
    def is_met(self) -> bool:
        """Whether the number has reached the limit."""
        return self.value >= self.threshold


CRITERIA = (
    Criterion(
        # The number is that of the quietest of the last three whole minutes: a spike that lasts.
        "conflicts",
        """
        SELECT min(coalesce(counted.occurred, 0))
        FROM generate_series(1, 3) AS back
        LEFT JOIN failure_counts counted ON counted.kind = 'conflict'
            AND counted.minute = date_trunc('minute', now()) - back * interval '1 minute'
        """,
    ),
    Criterion(
        # They increase: more than in the five minutes before, otherwise the number is 0.
        "approve_timeouts",
        """
        SELECT CASE WHEN recent > earlier THEN recent ELSE 0 END FROM (
            SELECT coalesce(sum(occurred) FILTER (
                    WHERE minute > now() - interval '5 minutes'), 0) AS recent,
                coalesce(sum(occurred) FILTER (
                    WHERE minute <= now() - interval '5 minutes'), 0) AS earlier
            FROM failure_counts
            WHERE kind = 'approve_timeout' AND minute > now() - interval '10 minutes'
        ) AS summed
        """,
    ),
    Criterion(
        "ledger_violations",
        """
        SELECT count(*) FROM incidents
        WHERE kind = 'ledger_violation' AND closed_at IS NULL AND opened_at >= :since
        """,
    ),
    Criterion(
        "deadlocks",
        """
        SELECT coalesce(sum(occurred), 0) FROM failure_counts
        WHERE kind = 'deadlock' AND minute > now() - interval '5 minutes'
        """,
    ),
    Criterion(
        "invariant_check_failed",
        """
        SELECT coalesce((SELECT CASE WHEN created_at >= :since THEN violations END
            FROM ledger_checkpoints ORDER BY id DESC LIMIT 1), 0)
        """,
    ),
    Criterion(
        "escrow_past_sla",
        """
        SELECT count(*) FROM escrows held
        JOIN campaign_targets target ON target.id = held.campaign_target_id
        LEFT JOIN post_jobs job ON job.campaign_target_id = target.id
        WHERE held.status = 'held' AND job.status IS DISTINCT FROM 'success'
            AND held.created_at < clock() - CAST(:limit AS interval)
            AND greatest(held.created_at, publish_time(target.id, target.publish_at))
                < clock() - CAST(:limit AS interval)
        """,
    ),
    Criterion(
        # The tick that refunds runs each second.
        "failed_without_refund",
        """
        SELECT count(*) FROM post_jobs
        WHERE status = 'failed' AND NOT settled AND updated_at < clock() - interval '2 minutes'
        """,
    ),
    Criterion(
        # The number is how many whole minutes the outage lasts.
        "telegram_errors",
        """
        SELECT coalesce(floor(extract(epoch FROM clock() - min(opened_at)) / 60), 0) FROM incidents
        WHERE kind = 'telegram_down' AND closed_at IS NULL
        """,
    ),
)
_SIGNED_AT = text(
    """
    SELECT max(created_at) FROM launch_runs WHERE phase = :sign_off AND passed
    HAVING count(*) = :signers
    """
)


async def signed_at(session: AsyncSession) -> datetime | None:
    """Return when the last of the three signatures was given, or None if one is missing."""
    moment: datetime | None = await session.scalar(
        _SIGNED_AT, {"sign_off": steps.SIGN_OFF, "signers": len(steps.SIGNERS)}
    )
    return moment


async def measure(
    session: AsyncSession, *, since: datetime, sla: timedelta, limits: Mapping[str, int]
) -> list[Measured]:
    """Return the number of each criterion. Checks of the ledger before `since` do not count.

    `limits` are those of ROLLBACK_LIMITS, by the name of the criterion.
    """
    measured = []
    for criterion in CRITERIA:
        values = {"since": since, "limit": sla + SLA_GRACE}
        query = text(criterion.sql)
        wanted = {name: values[name] for name in values if f":{name}" in criterion.sql}
        value = int(await session.scalar(query, wanted) or 0)
        measured.append(Measured(criterion.name, value, limits[criterion.name]))
    return measured


async def evaluate(
    session: AsyncSession, *, since: datetime, sla: timedelta, limits: Mapping[str, int]
) -> list[Measured]:
    """Return the criteria that are met. The arguments are those of `measure`."""
    measured = await measure(session, since=since, sla=sla, limits=limits)
    return [criterion for criterion in measured if criterion.is_met]


async def stop_if_met(
    session: AsyncSession, *, sla: timedelta, limits: Mapping[str, int]
) -> Sequence[Measured]:
    """Stop everything if a criterion is met, and notify the admin chat of the criterion.

    Returns the criteria that are newly met. Each opens an incident. While this incident is open,
    the same criterion does nothing. Nothing happens before the launch is signed. Locks nothing. The
    scheduler's tick settles the stops.
    """
    since = await signed_at(session)
    if since is None:
        return []
    new = []
    for measured in await evaluate(session, since=since, sla=sla, limits=limits):
        facts = {"ref": measured.name, "value": measured.value, "threshold": measured.threshold}
        incident_id = await killswitches.open_incident(
            session, kind=INCIDENT, details={measured.name: [facts]}
        )
        if incident_id is None:
            continue
        new.append(measured)
        await outbox.add(
            session,
            user_id=None,
            kind="rollback_criterion",
            payload={
                "incident_id": incident_id,
                "criterion": measured.name,
                "value": measured.value,
                "threshold": measured.threshold,
            },
        )
    if new:
        await killswitches.stop_all(session, actor=SYSTEM, reason=INCIDENT)
    return new
