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
"""The first number of the advisory lock of an idempotency key. The second is the key's hash."""


@dataclass(frozen=True)
class LockedPlacement:
    """A placement: its target, campaign and channel, and its post job and escrow if they exist."""

    target: CampaignTarget
    campaign: Campaign
    channel: Channel
    job: PostJob | None
    escrow: Escrow | None


async def lock_target(session: AsyncSession, target_id: int) -> CampaignTarget | None:
    """Lock a target (the main row of a placement). Return None if it does not exist.

    A transaction that changes a placement takes this lock before the locks of its other rows.
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
    """Lock a campaign, shared or exclusively. Return None if it does not exist.

    The shared lock is for callers that need the campaign's status not to change. With it, approvals
    in one campaign do not wait for each other. The exclusive lock is for callers that change the
    campaign or the sum of its prices.
    """
    found = await session.execute(
        select(Campaign)
        .where(Campaign.id == campaign_id)
        .with_for_update(read=shared)
        .execution_options(populate_existing=True)
    )
    return found.scalar_one_or_none()


def required(value: Value | None) -> Value:
    """Return `value` with a type that does not allow None, for the type checker.

    A constraint of the database, or the transaction that wrote the row, guarantees that the value
    is not null. Raises LookupError if it is None in spite of this.
    """
    if value is None:
        raise LookupError("a value that the database guarantees is missing")
    return value


async def lock_placement(session: AsyncSession, target_id: int) -> LockedPlacement | None:
    """Lock a placement: its target, its post job and its escrow, in this order.

    The campaign and the channel are read, but not locked. Returns None if there is no such target.
    Each table is read by a separate statement after the target is locked. A single statement that
    waits for the lock would still read the other tables in their state before the wait.
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
    return LockedPlacement(
        target, campaign, channel, job.scalar_one_or_none(), escrow.scalar_one_or_none()
    )


def has_escrow() -> ColumnElement[bool]:
    """Build the SQL condition that a target has an escrow: held, released or refunded."""
    return exists().where(Escrow.campaign_target_id == CampaignTarget.id)


async def lock_key(session: AsyncSession, key: str) -> None:
    """Lock an idempotency key until the end of the transaction.

    If a form is submitted twice, the second transaction waits. Then it finds the row of the first
    transaction.
    """
    await session.execute(select(func.pg_advisory_xact_lock(KEY_LOCKS, func.hashtext(key))))


async def now(session: AsyncSession) -> datetime:
    """Return the time of the database's `clock()`, with a zone.

    In production this is the real time. The sandbox can move `clock()` forward.
    """
    result = await session.execute(select(func.clock()))
    time: datetime = result.scalar_one()
    return time


async def clock_shift(session: AsyncSession) -> timedelta:
    """Return how far `clock()` is ahead of the real time. Production accepts only zero."""
    result = await session.execute(select(func.clock() - func.statement_timestamp()))
    shift: timedelta = result.scalar_one()
    return shift
