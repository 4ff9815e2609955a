"""Drop proposals of corrections that are too old, or whose proposer has left the staff."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.corrections import Correction, CorrectionStatus
from services.money import corrections
from services.platform import proposals
from services.platform.actors import MODERATORS, SYSTEM

ENDED_REASON = "ended"
"""The reason that the admin chat shows for a proposal that the system dropped."""


async def drop_ended(session: AsyncSession, *, limit: int) -> int:
    """Drop proposals that are too old or whose proposer has left the staff.

    Returns the number of dropped proposals, at most `limit`. Locks the proposals, and skips locked
    ones.
    """
    rows = await session.scalars(
        select(Correction)
        .where(Correction.status == CorrectionStatus.PROPOSED)
        .order_by(Correction.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    dropped = 0
    for correction in rows.all():
        if await proposals.has_ended(
            session,
            proposed_by=correction.proposed_by,
            proposed_at=correction.created_at,
            roles=MODERATORS,
        ):
            correction.status = CorrectionStatus.DROPPED
            await session.flush()
            await corrections.record_and_notify(
                session, correction, SYSTEM, role="system", why=ENDED_REASON
            )
            dropped += 1
    return dropped
