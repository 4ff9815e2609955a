"""List the placements that a channel has sold, in three parts: waiting, live and past."""

from collections.abc import Mapping, Sequence
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.campaigns import CampaignTarget, Channel, TargetStatus
from services.market import placements
from services.market.placements import Placement


class SoldPart(StrEnum):
    """A part of the placements that a channel has sold."""

    WAITING = "waiting"
    LIVE = "live"
    PAST = "past"


STATUSES: Mapping[SoldPart, Sequence[TargetStatus]] = {
    SoldPart.WAITING: (TargetStatus.PENDING,),
    SoldPart.LIVE: (TargetStatus.APPROVED,),
    SoldPart.PAST: (
        *(TargetStatus.POSTED, TargetStatus.REFUNDED, TargetStatus.REJECTED),
        *(TargetStatus.WITHDRAWN, TargetStatus.EXPIRED),
    ),
}
"""The statuses of the placements in each part. Live are those that are approved and not over."""


async def count(session: AsyncSession, channel: Channel) -> Mapping[SoldPart, int]:
    """Return how many placements of a channel's present owner are in each part."""
    rows = await session.execute(
        select(CampaignTarget.status, func.count().label("placements"))
        .where(CampaignTarget.channel_id == channel.id, CampaignTarget.owner_id == channel.owner_id)
        .group_by(CampaignTarget.status)
    )
    counted = {row.status: row.placements for row in rows}
    return {
        part: sum(counted.get(status, 0) for status in statuses)
        for part, statuses in STATUSES.items()
    }


async def of_channel(
    session: AsyncSession, channel: Channel, part: SoldPart, *, limit: int, offset: int
) -> Sequence[Placement]:
    """Return a page of one part of the placements of a channel's present owner, newest first."""
    return await placements.of_channel(
        session, channel=channel, statuses=STATUSES[part], limit=limit, offset=offset
    )
