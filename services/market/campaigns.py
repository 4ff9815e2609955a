"""Manage campaigns, and submit placements for them.

A placement is the purchase of one post in one channel. Code and tables call it a target.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.campaigns import Campaign, CampaignStatus, CampaignTarget, Channel, TargetStatus
from db.models.posting import PostJob, PostJobStatus
from services.market import (
    creatives,
    publish_times,
    submission_cards,
    terms,
    unfunded_placements,
)
from services.market.creatives import Creative
from services.market.terms import Terms
from services.money import wallets
from services.platform import audit, errors, transitions, users
from services.platform.actors import MODERATORS, Actor
from services.platform.transitions import ActorRole

NAME_LIMIT = 64
RESUME_GRACE = timedelta(hours=1)
"""After a campaign is resumed, a queued post that is late by at most this time is published."""
BUDGET_STATUSES = (TargetStatus.PENDING, TargetStatus.APPROVED, TargetStatus.POSTED)
"""The price of a placement in one of these statuses is subtracted from the campaign's budget."""


async def create(
    session: AsyncSession,
    *,
    actor: Actor,
    name: str,
    creative: Creative,
    total_budget: int,
    key: str | None = None,
) -> Campaign:
    """Create a draft campaign.

    `key` is the unique name of the request, or None. If a campaign with this key exists, that
    campaign is returned. `total_budget` is in minor units. Takes an advisory lock on the key.
    Raises AccessDenied, InvalidText, InvalidAmount, InvalidCreative, PersonBlocked. Raises
    IdempotencyConflict if another person has used the key.
    """
    advertiser_id = actor.require_user(action="campaign_create")
    if key is not None:
        await queries.lock_key(session, key)
        first = await session.scalar(select(Campaign).where(Campaign.key == key))
        if first is not None:
            _require_same(first.advertiser_id == advertiser_id, key)
            return first
    name = name.strip()
    if not name or creatives.utf16_length(name) > NAME_LIMIT:
        raise errors.InvalidText("name", NAME_LIMIT, creatives.utf16_length(name))
    wallets.require_amount(total_budget)
    if await users.first_blocked(session, advertiser_id):
        raise errors.PersonBlocked(advertiser_id)
    campaign = Campaign(
        advertiser_id=advertiser_id,
        name=name,
        creative=creative.validate().as_json(),
        total_budget=total_budget,
        status=CampaignStatus.DRAFT,
        key=key,
    )
    session.add(campaign)
    await session.flush()
    await audit.record(
        session, actor=actor, action="campaign_created", role="advertiser", campaign_id=campaign.id
    )
    return campaign


async def activate(session: AsyncSession, *, actor: Actor, campaign_id: int) -> Campaign:
    """Activate a draft campaign. Afterwards placements can be submitted for it.

    The campaign's advertiser may do this. An admin or super admin in the admin chat may do it too
    (production checklist, RBAC). An active campaign is returned without a change. Locks the
    campaign. Raises NotFound, NotCampaignOwner, InvalidMove.
    """
    return await _move(
        session,
        actor,
        campaign_id,
        CampaignStatus.ACTIVE,
        "campaign_activated",
        from_statuses={CampaignStatus.DRAFT},
    )


async def pause(session: AsyncSession, *, actor: Actor, campaign_id: int) -> Campaign:
    """Pause an active campaign. Posts that are already in a channel stay there.

    While the campaign is paused, its placements cannot be submitted or approved, and its queued
    posts are not sent. Locks the campaign. Raises NotFound, NotCampaignOwner, InvalidMove.
    """
    return await _move(session, actor, campaign_id, CampaignStatus.PAUSED, "campaign_paused")


async def resume(session: AsyncSession, *, actor: Actor, campaign_id: int) -> Campaign:
    """Resume a paused campaign.

    A queued post that is late by at most RESUME_GRACE is published immediately. A queued post that
    is later than that is cancelled, and the scheduler refunds its price. Locks the campaign, then
    its queued post jobs. Raises NotFound, NotCampaignOwner, InvalidMove.
    """
    campaign = await queries.lock_campaign(session, campaign_id)
    was_paused = campaign is not None and campaign.status is CampaignStatus.PAUSED
    campaign = await _move(
        session,
        actor,
        campaign_id,
        CampaignStatus.ACTIVE,
        "campaign_resumed",
        from_statuses={CampaignStatus.PAUSED},
    )
    if was_paused:  # a second press must not cancel posts that wait for another reason
        await _cancel_jobs(session, campaign_id, older_than=RESUME_GRACE)
    return campaign


async def cancel(session: AsyncSession, *, actor: Actor, campaign_id: int) -> Campaign:
    """Cancel a campaign: withdraw its pending targets (placements) and cancel its unsent posts.

    Published posts stay for their promised hours (the time that a post must stay). The scheduler
    refunds the escrows of the cancelled posts. Locks the targets by id, then the campaign, then its
    queued post jobs. If a target is submitted after the first of these locks, the scheduler
    withdraws that target later. Raises NotFound, NotCampaignOwner, InvalidMove.
    """
    locked = await session.scalars(
        select(CampaignTarget.id)
        .where(CampaignTarget.campaign_id == campaign_id)
        .order_by(CampaignTarget.id)
        .with_for_update()
    )
    target_ids = locked.all()
    campaign = await _move(
        session, actor, campaign_id, CampaignStatus.CANCELLED, "campaign_cancelled"
    )
    await session.execute(
        update(CampaignTarget)
        .where(
            # A target that was submitted after the first lock is skipped, because its lock would
            # come after the lock of the campaign.
            CampaignTarget.id.in_(target_ids),
            CampaignTarget.status == TargetStatus.PENDING,
            ~queries.has_escrow(),
        )
        .values(status=TargetStatus.WITHDRAWN, decided_at=func.clock())
    )
    await _cancel_jobs(session, campaign_id, older_than=None)
    return campaign


async def submit_target(
    session: AsyncSession,
    *,
    actor: Actor,
    campaign_id: int,
    channel_id: int,
    publish_at: datetime | None,
    fee_bps: int,
    publish_ahead: timedelta = publish_times.LONGEST_AHEAD,
    agreed: Terms | None = None,
    key: str | None = None,
    retry_of: int | None = None,
) -> CampaignTarget:
    """Submit a placement for moderation. The channel's present terms are stored in the placement.

    `key` is the unique name of the request, or None. If a placement with this key exists, that
    placement is returned. `publish_at` has a time zone and is at most `publish_ahead` away. If
    `publish_at` is None, the post is published when the placement is approved. `agreed` are the
    terms (price and promised hours) that the advertiser has read. If `agreed` is None, any terms
    are accepted.

    Locks the campaign, then takes advisory locks on the key and on the advertiser's pending
    placements. The campaign's lock protects the budget. Raises AccessDenied, NotFound,
    NotCampaignOwner, CampaignNotActive, ChannelNotUsable, TermsChanged, PersonBlocked,
    PublishTimePast, PublishTimeTooFar, BudgetExceeded, InsufficientFunds. Raises
    IdempotencyConflict if the key was used for another campaign or channel.
    """
    advertiser_id = actor.require_user(action="target_submit")
    campaign = await queries.lock_campaign(session, campaign_id)
    if campaign is None:
        raise errors.NotFound("campaign", campaign_id)
    if campaign.advertiser_id != advertiser_id:
        raise errors.NotCampaignOwner(campaign_id)
    if key is not None:
        await queries.lock_key(session, key)
        first = await session.scalar(select(CampaignTarget).where(CampaignTarget.key == key))
        if first is not None:
            _require_same((first.campaign_id, first.channel_id) == (campaign_id, channel_id), key)
            return first
    if campaign.status is not CampaignStatus.ACTIVE:
        raise errors.CampaignNotActive(campaign_id, campaign.status)
    channel = await session.get(Channel, channel_id, populate_existing=True)
    if channel is None:
        raise errors.NotFound("channel", channel_id)
    price, promised_hours = terms.require(channel, agreed)
    blocked_id = await users.first_blocked(session, advertiser_id, channel.owner_id)
    if blocked_id is not None:
        raise errors.PersonBlocked(blocked_id)
    if publish_at is not None:
        await publish_times.require(session, publish_at, ahead=publish_ahead)
    left = await budget_left(session, campaign_id)
    if price > left:
        raise errors.BudgetExceeded(campaign_id, left, price)
    await unfunded_placements.require_room(session, advertiser_id=advertiser_id, price=price)
    target = CampaignTarget(
        campaign_id=campaign_id,
        channel_id=channel_id,
        owner_id=channel.owner_id,
        price=price,
        promised_hours=promised_hours,
        fee_bps=fee_bps,
        publish_at=publish_at,
        status=TargetStatus.PENDING,
        key=key,
        retry_of=retry_of,
    )
    session.add(target)
    await session.flush()
    await audit.record(
        session,
        actor=actor,
        action="target_submitted",
        role="advertiser",
        target_id=target.id,
        campaign_id=campaign_id,
        channel_id=channel_id,
    )
    await submission_cards.queue_due(session, advertiser_id=advertiser_id)
    return target


async def withdraw_target(session: AsyncSession, *, actor: Actor, target_id: int) -> CampaignTarget:
    """Withdraw a pending placement for its advertiser.

    A placement that is already withdrawn is returned without a change. Locks the placement, its
    post job and its escrow. Raises NotFound, NotCampaignOwner. Raises InvalidMove if the placement
    is not pending or has an escrow.
    """
    placement = await queries.lock_placement(session, target_id)
    if placement is None:
        raise errors.NotFound("target", target_id)
    if placement.campaign.advertiser_id != actor.user_id:
        raise errors.NotCampaignOwner(placement.campaign.id)
    target = placement.target
    if target.status is TargetStatus.WITHDRAWN:
        return target
    transitions.require(
        transitions.TARGET,
        "target",
        target_id,
        status=target.status,
        wanted=TargetStatus.WITHDRAWN,
        role=ActorRole.ADVERTISER,
    )
    if placement.escrow is not None:
        raise errors.InvalidMove("target", target_id, placement.escrow.status, "withdrawn")
    target.status = TargetStatus.WITHDRAWN
    target.decided_at = await queries.now(session)
    await session.flush()
    await audit.record(
        session, actor=actor, action="target_withdrawn", role="advertiser", target_id=target_id
    )
    return target


async def get(session: AsyncSession, *, actor: Actor, campaign_id: int) -> Campaign:
    """Return a campaign, if the actor is its advertiser or a member of the staff.

    Raises NotFound, NotCampaignOwner.
    """
    campaign = await session.get(Campaign, campaign_id)
    if campaign is None:
        raise errors.NotFound("campaign", campaign_id)
    if campaign.advertiser_id != actor.user_id and actor.staff_role(*MODERATORS) is None:
        raise errors.NotCampaignOwner(campaign_id)
    return campaign


async def of_advertiser(
    session: AsyncSession,
    *,
    user_id: int,
    limit: int,
    offset: int,
    status: CampaignStatus | None = None,
) -> Sequence[Campaign]:
    """Return a page of a user's campaigns, newest first.

    If `status` is given, only campaigns with this status are returned.
    """
    query = select(Campaign).where(Campaign.advertiser_id == user_id)
    if status is not None:
        query = query.where(Campaign.status == status)
    rows = await session.scalars(query.order_by(Campaign.id.desc()).limit(limit).offset(offset))
    return rows.all()


async def budget_left(session: AsyncSession, campaign_id: int) -> int:
    """Return the unspent budget of a campaign, in minor units. Raises NotFound.

    If the caller has not locked the campaign, a submission can change the budget at any time.
    """
    left = await session.scalar(
        select(
            Campaign.total_budget
            - select(func.coalesce(func.sum(CampaignTarget.price), 0))
            .where(
                CampaignTarget.campaign_id == campaign_id,
                CampaignTarget.status.in_(BUDGET_STATUSES),
            )
            .scalar_subquery()
        ).where(Campaign.id == campaign_id)
    )
    if left is None:
        raise errors.NotFound("campaign", campaign_id)
    return int(left)


async def _move(
    session: AsyncSession,
    actor: Actor,
    campaign_id: int,
    new_status: CampaignStatus,
    action: str,
    *,
    from_statuses: set[CampaignStatus] | None = None,
) -> Campaign:
    """Lock a campaign and change its status.

    If the campaign already has the new status, it is returned without a change. If `from_statuses`
    is given, the present status must be one of them. Raises NotFound, NotCampaignOwner,
    InvalidMove.
    """
    campaign = await queries.lock_campaign(session, campaign_id)
    if campaign is None:
        raise errors.NotFound("campaign", campaign_id)
    role = _role_for(actor, campaign)
    if campaign.status is new_status:
        return campaign
    transitions.require(
        transitions.CAMPAIGN,
        "campaign",
        campaign_id,
        status=campaign.status,
        wanted=new_status,
        role=role,
    )
    if from_statuses is not None and campaign.status not in from_statuses:
        raise errors.InvalidMove("campaign", campaign_id, campaign.status, new_status)
    campaign.status = new_status
    await session.flush()
    await audit.record(session, actor=actor, action=action, role=role, campaign_id=campaign_id)
    return campaign


def _role_for(actor: Actor, campaign: Campaign) -> ActorRole:
    """Return the role in which the actor may change the campaign. Raises NotCampaignOwner."""
    if actor.user_id == campaign.advertiser_id:
        return ActorRole.ADVERTISER
    role = actor.staff_role(*MODERATORS)
    if role is None:
        raise errors.NotCampaignOwner(campaign.id)
    return ActorRole(role.value)


async def _cancel_jobs(
    session: AsyncSession, campaign_id: int, *, older_than: timedelta | None
) -> None:
    """Cancel the queued posts of a campaign.

    If `older_than` is given, a post is cancelled only if it is late by more than this time. If the
    scheduler is starting to send a post at this moment, the post is not cancelled. Locks the post
    jobs.
    """
    targets = select(CampaignTarget.id).where(CampaignTarget.campaign_id == campaign_id)
    if older_than is not None:
        targets = targets.where(CampaignTarget.publish_at < func.clock() - older_than)
    await session.execute(
        update(PostJob)
        .where(PostJob.campaign_target_id.in_(targets), PostJob.status == PostJobStatus.QUEUED)
        .values(status=PostJobStatus.CANCELLED, updated_at=func.clock())
        .execution_options(synchronize_session=False)
    )


def _require_same(same: bool, key: str) -> None:  # noqa: FBT001 - a fact, not a mode
    """Raise IdempotencyConflict if a key was used before with other content (`same` is False)."""
    if not same:
        raise errors.IdempotencyConflict(key)
