"""List posts that failed for good, and let their advertisers submit the placements again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from db import queries
from db.models.campaigns import Campaign, CampaignTarget, Channel
from db.models.formats import ChannelFormat
from db.models.money import Escrow, EscrowStatus
from db.models.posting import PostJob, PostJobStatus
from services.market import agreements, campaigns, formats
from services.market.terms import Terms
from services.platform import audit, errors, outbox
from services.platform.actors import MODERATORS, Actor


@dataclass(frozen=True)
class DeadLetter:
    """A post that failed for good. Amounts are in minor units, and times have a time zone."""

    target_id: int
    campaign_name: str
    channel_id: int
    channel_title: str
    price: int
    """The price of the failed placement."""
    terms_now: Terms | None
    """The present terms of the same format, or None if the channel does not sell it any more."""
    error: str
    attempts: int
    failed_at: datetime
    escrow_status: EscrowStatus
    offered: bool
    retried_by: int | None
    """The id of the placement that replaces the failed one, or None."""


async def page(session: AsyncSession, *, limit: int, offset: int) -> Sequence[DeadLetter]:
    """Return a page of the posts that failed for good, latest failure first."""
    rows = await session.execute(
        _query().order_by(PostJob.updated_at.desc(), PostJob.id.desc()).limit(limit).offset(offset)
    )
    return [_letter(row) for row in rows]


async def get(session: AsyncSession, *, target_id: int) -> DeadLetter:
    """Return one post that failed for good. Raises NotFound."""
    row = (
        await session.execute(_query().where(PostJob.campaign_target_id == target_id))
    ).one_or_none()
    if row is None:
        raise errors.NotFound("target", target_id)
    return _letter(row)


async def offer(session: AsyncSession, *, actor: Actor, target_id: int) -> bool:
    """Allow an advertiser to submit a failed placement again. Return False if already allowed.

    Locks the placement, its post job and its escrow. Raises AccessDenied, OwnMoney; NotFound if the
    post job has not failed.
    """
    role = actor.require_staff(*MODERATORS, action="dead_letter_offer")
    placement, job = await _lock_failed(session, target_id)
    if actor.user_id in {placement.campaign.advertiser_id, placement.target.owner_id}:
        raise errors.OwnMoney(target_id)
    if job.offered_at is not None:
        return False
    job.offered_at = await queries.now(session)
    await session.flush()
    await audit.record(
        session,
        actor=actor,
        action="dead_letter_offered",
        role=role,
        target_id=target_id,
        post_job_id=job.id,
    )
    await outbox.add(
        session,
        user_id=placement.campaign.advertiser_id,
        kind="retry_offered",
        payload={"target_id": target_id},
        key=f"retry_offered:{target_id}",
    )
    return True


async def retry(
    session: AsyncSession,
    *,
    actor: Actor,
    target_id: int,
    agreed: Terms,
    fee_bps: int,
    answer_time: timedelta = agreements.ANSWER_TIME,
    complaint_window: timedelta = timedelta(),
) -> CampaignTarget:
    """Submit a failed placement again, after an admin has allowed this.

    A repeated call returns the first new placement, which has the format of the failed one.
    `agreed` are the price and the promised hours that the advertiser has read. Locks the failed
    placement, its post job and its escrow, then what
    `campaigns.submit_target` locks. Raises NotFound (also if no admin has allowed this),
    NotCampaignOwner, and the errors of `campaigns.submit_target`.
    """
    placement, job = await _lock_failed(session, target_id)
    if placement.campaign.advertiser_id != actor.user_id:
        raise errors.NotCampaignOwner(placement.campaign.id)
    if job.offered_at is None:
        raise errors.NotFound("target", target_id)
    first = await session.scalar(select(CampaignTarget).where(CampaignTarget.retry_of == target_id))
    if first is not None:
        return first
    target = await campaigns.submit_target(
        session,
        actor=actor,
        campaign_id=placement.campaign.id,
        channel_id=placement.channel.id,
        publish_at=None,
        fee_bps=fee_bps,
        answer_time=answer_time,
        complaint_window=complaint_window,
        agreed=agreed._replace(
            hours_on_top=placement.target.hours_on_top, ending=placement.target.ending
        ),
        key=f"retry:{target_id}",
        retry_of=target_id,
    )
    await audit.record(
        session,
        actor=actor,
        action="dead_letter_retried",
        role="advertiser",
        target_id=target.id,
        retry_of=target_id,
    )
    return target


async def _lock_failed(
    session: AsyncSession, target_id: int
) -> tuple[queries.LockedPlacement, PostJob]:
    placement = await queries.lock_placement(session, target_id)
    if (
        placement is None
        or placement.job is None
        or placement.job.status is not PostJobStatus.FAILED
    ):
        raise errors.NotFound("target", target_id)
    return placement, placement.job


def _query() -> Select[*tuple[Any, ...]]:
    new_target = aliased(CampaignTarget)
    return (
        select(
            PostJob,
            Campaign.name,
            Channel.id.label("channel_id"),
            Channel.title,
            CampaignTarget.price,
            ChannelFormat,
            Escrow.status.label("escrow_status"),
            new_target.id.label("retried_by"),
        )
        .join(CampaignTarget, CampaignTarget.id == PostJob.campaign_target_id)
        .join(Campaign, Campaign.id == CampaignTarget.campaign_id)
        .join(Channel, Channel.id == CampaignTarget.channel_id)
        .join(Escrow, Escrow.campaign_target_id == CampaignTarget.id)
        .outerjoin(new_target, new_target.retry_of == CampaignTarget.id)
        .outerjoin(
            ChannelFormat,
            (ChannelFormat.channel_id == CampaignTarget.channel_id)
            & (ChannelFormat.promised_hours == CampaignTarget.promised_hours)
            & (ChannelFormat.hours_on_top == CampaignTarget.hours_on_top)
            & (ChannelFormat.ending == CampaignTarget.ending)
            & ChannelFormat.retired_at.is_(None),
        )
        .where(PostJob.status == PostJobStatus.FAILED)
        .execution_options(populate_existing=True)
    )


def _letter(row: Any) -> DeadLetter:
    job: PostJob = row.PostJob
    return DeadLetter(
        target_id=job.campaign_target_id,
        campaign_name=row.name,
        channel_id=row.channel_id,
        channel_title=row.title,
        price=row.price,
        terms_now=None if row.ChannelFormat is None else formats.terms_of(row.ChannelFormat),
        error=job.last_error or "",
        attempts=job.attempts,
        failed_at=job.updated_at,
        escrow_status=row.escrow_status,
        offered=job.offered_at is not None,
        retried_by=row.retried_by,
    )
