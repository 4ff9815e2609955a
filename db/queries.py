"""Provide the queries that lock rows, and queries that several services need.

A target is one purchase of a post in one channel. Locks are taken in this order: the kill switches,
the target, the campaign, the post job, the escrow, then the wallets in the order of their ids. The
database function `post_transfer` locks the wallets.
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

Value = TypeVar("Value")

KEY_LOCKS = 7_003
"""The first number of an advisory lock on an idempotency key. The second is the hash of the key."""


@dataclass(frozen=True)
class LockedPlacement:
    """A placement: its target, campaign and channel, and its post job and escrow (or None)."""

    target: CampaignTarget
    campaign: Campaign
    channel: Channel
    job: PostJob | None
    escrow: Escrow | None


async def lock_target(session: AsyncSession, target_id: int) -> CampaignTarget | None:
    """Lock a target (the main row of a placement) and return it. Return None if it does not exist.

    A transaction that changes a placement must take this lock before all locks of its other rows.
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
    """Lock a campaign and return it. Return None if it does not exist.

    With the shared lock, the status of the campaign cannot change, and several approvals in one
    campaign do not wait for each other. A caller that changes the campaign, or the sum of its
    prices, needs the exclusive lock.
    """
    found = await session.execute(
        select(Campaign)
        .where(Campaign.id == campaign_id)
        .with_for_update(read=shared)
        .execution_options(populate_existing=True)
    )
    return found.scalar_one_or_none()


def required(value: Value | None) -> Value:
    """Return `value` with a type that does not include None. Raises LookupError if `value` is None.

    The database guarantees that this value is not null, but the type checker does not know this.
    """
    if value is None:
        raise LookupError("a value that the database guarantees is missing")
    return value


async def lock_placement(session: AsyncSession, target_id: int) -> LockedPlacement | None:
    """Lock a placement: its target, its post job and its escrow, in this order.

    The campaign and the channel are read, but not locked. Returns None if there is no such target.
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


def has_escrow() -> ColumnElement[bool]:
    """Build the SQL condition that a target has an escrow, with any status."""
    return exists().where(Escrow.campaign_target_id == CampaignTarget.id)


async def lock_key(session: AsyncSession, key: str) -> None:
    """Lock an idempotency key until the end of the transaction.

    If a form is submitted twice, the second transaction waits for the first transaction. Then it
    finds the row that the first transaction has written.
    """
    await session.execute(select(func.pg_advisory_xact_lock(KEY_LOCKS, func.hashtext(key))))


async def now(session: AsyncSession) -> datetime:
    """Return the time of the database function `clock()`, with a time zone.

    In production this is the real time. The sandbox can move `clock()` forward.
    """
    result = await session.execute(select(func.clock()))
    time: datetime = result.scalar_one()
    return time


async def clock_shift(session: AsyncSession) -> timedelta:
    """Return how far `clock()` is ahead of the real time. In production this must be zero."""
    result = await session.execute(select(func.clock() - func.statement_timestamp()))
    shift: timedelta = result.scalar_one()
    return shift
