"""Drop corrections that nobody confirmed or carried out in time, or whose people left the staff."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.corrections import Correction, CorrectionStatus
from services.money import corrections
from services.platform import proposals
from services.platform.actors import MODERATORS, SYSTEM
from services.platform.transitions import ActorRole

ENDED_REASON = "ended"
"""The reason that the admin chat shows for a proposal that the system dropped."""
NOT_REPAIRED_REASON = "not_repaired"
"""The reason that the admin chat shows for a confirmed correction that the system dropped."""


async def drop_ended(session: AsyncSession, *, limit: int) -> int:
    """Drop the corrections that have ended (`has_ended`).

    Reads the `limit` oldest open corrections, and returns the number of dropped ones. Locks the
    corrections, and skips locked ones.
    """
    rows = await session.scalars(
        select(Correction)
        .where(Correction.status.in_(corrections.OPEN))
        .order_by(Correction.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    dropped = 0
    for correction in rows.all():
        if await has_ended(session, correction):
            is_confirmed = correction.status is CorrectionStatus.CONFIRMED
            corrections.require_move(correction, CorrectionStatus.DROPPED, ActorRole.SYSTEM)
            correction.status = CorrectionStatus.DROPPED
            await session.flush()
            await corrections.record_and_notify(
                session,
                correction,
                SYSTEM,
                role="system",
                why=NOT_REPAIRED_REASON if is_confirmed else ENDED_REASON,
            )
            dropped += 1
    return dropped


async def has_ended(session: AsyncSession, correction: Correction) -> bool:
    """Return whether an open correction is not valid any more.

    A proposal ends `proposals.LIFETIME` after it was made, and a confirmed correction ends the same
    time after its confirmation. A correction also ends if one of the people who proposed or
    confirmed it is no admin any more.
    """
    at = correction.confirmed_at or correction.created_at
    for person in (correction.proposed_by, correction.confirmed_by):
        if person is not None and await proposals.has_ended(
            session, proposed_by=person, proposed_at=at, roles=MODERATORS
        ):
            return True
    return False
