"""Reads that lock, or that several services need.

Lock order: target, campaign, job, escrow, then wallets by id (`post_transfer` locks those). The
locks of kill switches come before all of them.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.campaigns import (
    Campaign,
    CampaignTarget,
    Channel,
)
from db.models.money import Escrow
from db.models.posting import PostJob

Known = TypeVar("Known")

KEY_LOCKS = 7_003
"""Advisory locks of idempotency keys."""


@dataclass(frozen=True)
class Placement:
    """A target with what hangs on it."""

    target: CampaignTarget
    campaign: Campaign
    channel: Channel
    job: PostJob | None
    escrow: Escrow | None


async def lock_target(session: AsyncSession, target_id: int) -> CampaignTarget | None:
    """Lock a target; whoever changes a placement comes through here first."""
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
    """Lock a campaign: shared by who relies on its status, alone by who changes it or its sum.

    Shared, so that approvals in one campaign do not wait for each other.
    """
    found = await session.execute(
        select(Campaign)
        .where(Campaign.id == campaign_id)
        .with_for_update(read=shared)
        .execution_options(populate_existing=True)
    )
    return found.scalar_one_or_none()


def required(value: Known | None) -> Known:
    """Return what is never null here: by a constraint, or as it was written with what was read.

    Raises LookupError.
    """
    if value is None:
        raise LookupError("something that is always there is missing")
    return value


async def lock_placement(session: AsyncSession, target_id: int) -> Placement | None:
    """Lock a target, its job and its escrow, in this order, and read what they belong to.

    The rows are read after the target's lock was granted: a statement that waited for a lock
    still sees the other tables as they were before.
    """
    target = await lock_target(session, target_id)
    if target is None:
        return None
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
    return Placement(
        target, campaign, channel, job.scalar_one_or_none(), escrow.scalar_one_or_none()
    )


def has_escrow() -> ColumnElement[bool]:
    """Tell of a target in a query whether money is or was held for it."""
    return exists().where(Escrow.campaign_target_id == CampaignTarget.id)


async def lock_key(session: AsyncSession, key: str) -> None:
    """Let one press of a form at a time look for its key; the second then finds the first's row."""
    await session.execute(select(func.pg_advisory_xact_lock(KEY_LOCKS, func.hashtext(key))))


async def now(session: AsyncSession) -> datetime:
    """Return the database's clock."""
    found = await session.execute(select(func.clock()))
    moment: datetime = found.scalar_one()
    return moment


async def clock_shift(session: AsyncSession) -> timedelta:
    """Return how far `clock()` runs ahead; anything but zero is refused in production."""
    found = await session.execute(select(func.clock() - func.statement_timestamp()))
    shift: timedelta = found.scalar_one()
    return shift
