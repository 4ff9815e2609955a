"""Queue the daily report: yesterday's numbers and what is wrong now, for the admin chat."""

from dataclasses import asdict
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import exists, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.operations import OutboxMessage
from services.platform import outbox, reports, system_status
from services.platform.system_status import Line, State, Unit

KIND = "daily_report"
ACTS = (
    *("campaign_activated", "target_submitted", "moderation_approved", "moderation_rejected"),
    *("post_failed", "post_uncertain", "escrow_released", "escrow_refunded"),
    *("deposit_credited", "withdrawal_paid", "access_denied"),
)
"""The actions of the audit log that the report counts."""

_COUNTS = text(f"""
    SELECT action, count(*) AS count FROM user_audit_logs
    WHERE action = ANY(:acts) AND created_at >= CAST(:day AS date)
        AND created_at < CAST(:day AS date) + 1 AND {reports.UNTESTED_ACTS}
    GROUP BY action
""")  # noqa: S608 - only constants are put in


async def queue(session: AsyncSession, *, hour: int, sla: timedelta, revision: str) -> bool:
    """Queue the report of yesterday from `hour` on (UTC, 0 to 23), once a day.

    Return whether it was queued. `sla` and `revision` are as in `system_status.read`.
    """
    now = (await session.execute(select(func.clock()))).scalar_one()
    key = f"{KIND}:{now:%Y-%m-%d}"
    if now.hour < hour or await session.scalar(select(exists().where(OutboxMessage.key == key))):
        return False
    day = now.date() - timedelta(days=1)
    # The status comes last: it limits the time of the statements after it.
    numbers = await _numbers(session, day)
    lines = await system_status.read(session, sla=sla, revision=revision)
    payload = {
        "day": day.isoformat(),
        "numbers": numbers,
        "wrong": [_simple(line) for line in lines if line.state is not State.OK],
    }
    await outbox.add(session, user_id=None, kind=KIND, payload=payload, key=key)
    return True


def read_line(stored: dict[str, Any]) -> Line:
    """Return a line of the status that the payload of a report has."""
    unit, value = Unit(stored["unit"]), stored["value"]
    if unit is Unit.TIME and value is not None:
        value = datetime.fromisoformat(value)
    return Line(stored["name"], value, unit, State(stored["state"]), stored["detail"])


async def _numbers(session: AsyncSession, day: date) -> dict[str, int]:
    """Return the numbers of a day (UTC): how often each act was done, and amounts of money."""
    numbers = dict.fromkeys(ACTS, 0)
    for action, count in await session.execute(_COUNTS, {"acts": list(ACTS), "day": day}):
        numbers[action] = count
    for name, columns in (
        ("revenue_by_day", ("revenue",)),
        ("held_by_day", ("held", "newly_held", "released_or_refunded")),
    ):
        for row in await reports.run(session, name):
            if row["day"] == day:
                numbers |= {column: row[column] for column in columns}
    return numbers


def _simple(line: Line) -> dict[str, Any]:
    value = line.value
    return asdict(line) | {"value": value.isoformat() if isinstance(value, datetime) else value}
