"""Record outages of Telegram, and notify the admin chat of their start and end."""

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.operations import Incident
from services.platform import killswitches, outbox

TELEGRAM_DOWN = "telegram_down"
"""The kind of the incidents that are outages of Telegram."""


async def begin(session: AsyncSession) -> bool:
    """Record the start of an outage of Telegram. Return False if an outage is already open."""
    incident_id = await killswitches.open_incident(session, kind=TELEGRAM_DOWN, details={})
    if incident_id is None:
        return False
    await outbox.add(
        session, user_id=None, kind="telegram_down", payload={"incident_id": incident_id}
    )
    return True


async def end(session: AsyncSession) -> bool:
    """Record the end of the open outage. Return False if no outage was open."""
    closed = await session.execute(
        update(Incident)
        .where(Incident.kind == TELEGRAM_DOWN, Incident.closed_at.is_(None))
        .values(closed_at=func.clock())
        .returning(Incident.id, func.clock() - Incident.opened_at)
        .execution_options(synchronize_session=False)
    )
    row = closed.one_or_none()
    if row is None:
        return False
    incident_id, duration = row
    await outbox.add(
        session,
        user_id=None,
        kind="telegram_back",
        payload={
            "incident_id": incident_id,
            "minutes": max(int(duration.total_seconds() // 60), 1),
        },
    )
    return True


async def is_open(session: AsyncSession) -> bool:
    """Return whether an outage of Telegram is open."""
    incident_id = await session.scalar(
        select(Incident.id).where(Incident.kind == TELEGRAM_DOWN, Incident.closed_at.is_(None))
    )
    return incident_id is not None
