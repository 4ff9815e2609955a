"""Let one admin take the card of a placement, so that two do not read the same one.

This is a hint to colleagues: any admin may still decide.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.campaigns import CampaignTarget, TargetStatus
from db.models.moderation import CardReader
from db.models.users import User
from services.platform.actors import MODERATORS, Actor

READING_TIME = timedelta(minutes=15)
"""After this time without a decision, the card is free again."""


@dataclass(frozen=True)
class Reader:
    """The admin who reads a card. `until` is when the card is free again."""

    user_id: int
    telegram_id: int
    until: datetime


async def find(session: AsyncSession, target_id: int) -> Reader | None:
    """Return who reads the card of a placement now, or None."""
    found = await session.execute(
        select(CardReader.user_id, User.telegram_id, CardReader.until)
        .join(User, User.id == CardReader.user_id)
        .where(CardReader.campaign_target_id == target_id, CardReader.until > func.clock())
    )
    row = found.one_or_none()
    return None if row is None else Reader(*row)


async def take(session: AsyncSession, *, actor: Actor, target_id: int) -> bool:
    """Take the card of a placement for READING_TIME. Return False if another admin reads it.

    Locks the row of the reader. Raises AccessDenied.
    """
    actor.require_staff(*MODERATORS, action="moderation_card")
    until = func.clock() + READING_TIME
    taken = await session.scalar(
        insert(CardReader)
        .values(campaign_target_id=target_id, user_id=actor.user_id, until=until)
        .on_conflict_do_update(
            index_elements=["campaign_target_id"],
            set_={"user_id": actor.user_id, "until": until},
            where=or_(CardReader.until <= func.clock(), CardReader.user_id == actor.user_id),
        )
        .returning(CardReader.campaign_target_id)
    )
    return taken is not None


async def give_back(session: AsyncSession, *, actor: Actor, target_id: int) -> None:
    """Let others read a card that the actor has taken. Locks the row of the reader."""
    await session.execute(
        update(CardReader)
        .where(CardReader.campaign_target_id == target_id, CardReader.user_id == actor.user_id)
        .values(until=func.clock())
        .execution_options(synchronize_session=False)
    )


async def give_back_all(session: AsyncSession, *, actor: Actor) -> Sequence[int]:
    """Let others read all cards that the actor reads. Return the ids of their placements.

    Locks the rows of the reader.
    """
    # Only cards of pending placements are read, and these are found by an index.
    pending = select(CampaignTarget.id).where(CampaignTarget.status == TargetStatus.PENDING)
    given_back = await session.scalars(
        update(CardReader)
        .where(
            CardReader.campaign_target_id.in_(pending),
            CardReader.user_id == actor.user_id,
            CardReader.until > func.clock(),
        )
        .values(until=func.clock())
        .returning(CardReader.campaign_target_id)
        .execution_options(synchronize_session=False)
    )
    return sorted(given_back)
