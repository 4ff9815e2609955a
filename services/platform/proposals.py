"""Decide whether a proposal of the staff is still valid when another person confirms it."""

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.users import Role
from services.platform import errors, users

LIFETIME = timedelta(hours=72)
"""The time after which an unconfirmed proposal, or a confirmed repair, becomes invalid."""


async def has_ended(
    session: AsyncSession, *, proposed_by: int, proposed_at: datetime, roles: tuple[Role, ...]
) -> bool:
    """Return whether a proposal is too old, or its proposer has none of the roles `roles` now.

    `proposed_at` has a time zone.
    """
    if not (await users.roles(session, proposed_by)).intersection(roles):
        return True
    is_old: bool = (
        await session.execute(select(func.clock() - LIFETIME > proposed_at))
    ).scalar_one()
    return is_old


async def require_open(
    session: AsyncSession,
    thing: str,
    proposal_id: int,
    *,
    proposed_by: int,
    proposed_at: datetime,
    roles: tuple[Role, ...],
) -> None:
    """Raise ProposalEnded if a proposal is not valid any more."""
    if await has_ended(session, proposed_by=proposed_by, proposed_at=proposed_at, roles=roles):
        raise errors.ProposalEnded(thing, proposal_id)
