"""Provide the queries that lock rows, and queries that several services need.

The order of locks is: kill switches, target, campaign, post job, escrow, wallets by id, and last
the calendar of the channel.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import ARRAY, BigInteger, ColumnElement, Select, any_, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from db.models.campaigns import (
    Campaign,
    CampaignTarget,
    Channel,
)
from db.models.money import Escrow
from db.models.posting import PostJob

Value = TypeVar("Value")

KEY_LOCKS = 7_003


@dataclass(frozen=True)
class LockedPlacement:
    """A placement: its target, campaign and channel, and its post job and escrow (or None)."""

    target: CampaignTarget
    campaign: Campaign
    channel: Channel
    job: PostJob | None
    escrow: Escrow | None

    @property
    def creative(self) -> dict[str, Any]:
        """The ad of the placement's present version."""
        return self.target.creative or self.campaign.creative


async def lock_target(session: AsyncSession, target_id: int) -> CampaignTarget | None:
    """Lock and return a target (the main row of a placement), or return None.

    The caller must take this lock before all other locks of the placement.
    """
    found = await session.execute(
        select(CampaignTarget)
        .where(CampaignTarget.id == target_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return found.scalar_one_or_none()


async def lock_campaign(
    session: AsyncSession, campaign_id: int, *, shared: bool = False
) -> Campaign | None:
    """Lock and return a campaign, or return None.

    A change of the campaign or of the sum of its prices needs the exclusive lock.
    """
    found = await session.execute(
        select(Campaign)
        .where(Campaign.id == campaign_id)
        .with_for_update(read=shared)
        .execution_options(populate_existing=True)
    )
    return found.scalar_one_or_none()


def required(value: Value | None) -> Value:
    """Return `value`, which the database guarantees not to be null. Raises LookupError for None."""
    if value is None:
        raise LookupError("a value that the database guarantees is missing")
    return value


async def lock_placement(session: AsyncSession, target_id: int) -> LockedPlacement | None:
    """Lock the target, the post job and the escrow of a placement, in this order.

    Returns None if there is no such target. The campaign and the channel are not locked.
    """
    target = await lock_target(session, target_id)
    if target is None:
        return None
    # Each table has a separate statement after the target is locked. A single statement that waits
    # for the lock would read the other tables in their state before the wait.
    job = await session.execute(
        select(PostJob)
        .where(PostJob.campaign_target_id == target_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    escrow = await session.execute(
        select(Escrow)
        .where(Escrow.campaign_target_id == target_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    campaign, channel = (
        await session.execute(
            select(Campaign, Channel)
            .select_from(CampaignTarget)
            .join(Campaign, Campaign.id == CampaignTarget.campaign_id)
            .join(Channel, Channel.id == CampaignTarget.channel_id)
            .where(CampaignTarget.id == target_id)
            .execution_options(populate_existing=True)
        )
    ).one()
    return LockedPlacement(
        target, campaign, channel, job.scalar_one_or_none(), escrow.scalar_one_or_none()
    )


def is_one_of(column: InstrumentedAttribute[int], ids: Select[tuple[int]]) -> ColumnElement[bool]:
    """Build the SQL condition that the value of an id's column is one of the selected ids.

    The ids are read once, as an array. A join may read them again for each row of the table:
    PostgreSQL keeps a plan from a time when the table was empty until the table is analyzed.
    """
    return column == any_(func.array(ids.scalar_subquery(), type_=ARRAY(BigInteger)))


def has_escrow() -> ColumnElement[bool]:
    """Build the SQL condition that a target has an escrow, with any status."""
    return exists().where(Escrow.campaign_target_id == CampaignTarget.id)


def publish_time() -> ColumnElement[datetime]:
    """Build the SQL expression of the time at which a target's post is to be published.

    It is the time that the advertiser chose, or the time of the channel that is kept for the post.
    It is null for a post as soon as possible whose time is not kept yet. A removed post that is
    published again has a time of its own.
    """
    return func.publish_time(CampaignTarget.id, CampaignTarget.publish_at)


async def lock_key(session: AsyncSession, key: str) -> None:
    """Lock an idempotency key until the end of the transaction."""
    await session.execute(select(func.pg_advisory_xact_lock(KEY_LOCKS, func.hashtext(key))))


async def now(session: AsyncSession) -> datetime:
    """Return the time of `clock()`, which the sandbox can move forward, with a time zone."""
    result = await session.execute(select(func.clock()))
    time: datetime = result.scalar_one()
    return time


async def clock_shift(session: AsyncSession) -> timedelta:
    """Return how far `clock()` is ahead of the real time: zero in production."""
    result = await session.execute(select(func.clock() - func.statement_timestamp()))
    shift: timedelta = result.scalar_one()
    return shift


async def origins(session: AsyncSession, target_ids: Sequence[int]) -> dict[int, str | None]:
    """Return the ids of the approvals of placements, in the given order.

    A placement without a post job has None, so that it does not stop the work on the others.
    """
    if not target_ids:
        return {}
    rows = await session.execute(
        select(PostJob.campaign_target_id, PostJob.correlation_id).where(
            PostJob.campaign_target_id.in_(target_ids)
        )
    )
    found = {row.campaign_target_id: row.correlation_id for row in rows}
    return {target_id: found.get(target_id) for target_id in target_ids}
