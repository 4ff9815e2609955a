"""Manage campaigns and their placements (purchases of one post in one channel)."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache

from sqlalchemy import BigInteger, Select, bindparam, func, select, true, update
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.campaigns import Campaign, CampaignStatus, CampaignTarget, Channel, TargetStatus
from db.models.money import Escrow
from db.models.posting import PostJob, PostJobStatus
from services.market import (
    agreements,
    creatives,
    formats,
    kept_times,
    publish_times,
    submission_funds,
    tracked_links,
)
from services.market.creatives import Creative
from services.market.terms import Terms
from services.money import wallets
from services.platform import audit, errors, transitions, users
from services.platform.actors import MODERATORS, Actor
from services.platform.transitions import ActorRole

NAME_LIMIT = 64
RESUME_GRACE = timedelta(hours=1)
"""Resuming a campaign cancels queued posts that are late by more than this."""
BUDGET_STATUSES = (TargetStatus.PENDING, TargetStatus.APPROVED, TargetStatus.POSTED)
"""Placements with these statuses count against the campaign's budget."""
_CAMPAIGN_ID = bindparam("campaign_id", type_=BigInteger)
_SPENT = (
    select(func.coalesce(func.sum(CampaignTarget.price - func.coalesce(Escrow.returned, 0)), 0))
    .outerjoin(Escrow, Escrow.campaign_target_id == CampaignTarget.id)
    .where(CampaignTarget.campaign_id == _CAMPAIGN_ID, CampaignTarget.status.in_(BUDGET_STATUSES))
)
_LEFT = Campaign.total_budget - _SPENT.scalar_subquery()
_BUDGET_LEFT = select(_LEFT).where(Campaign.id == _CAMPAIGN_ID)


async def create(
    session: AsyncSession,
    *,
    actor: Actor,
    name: str,
    creative: Creative,
    total_budget: int,
    key: str | None = None,
) -> Campaign:
    """Create a draft campaign, or return the campaign that already has `key`.

    `total_budget` is in minor units, and `key` is the unique name of the request. Takes an advisory
    lock on the key. Raises AccessDenied, InvalidText, InvalidAmount, InvalidCreative,
    PersonBlocked; IdempotencyConflict if another person has used the key.
    """
    advertiser_id = actor.require_user(action="campaign_create")
    if key is not None:
        await queries.lock_key(session, key)
        first = await session.scalar(select(Campaign).where(Campaign.key == key))
        if first is not None:
            _require_same(first.advertiser_id == advertiser_id, key)
            return first
    name = checked_name(name)
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


def checked_name(name: str) -> str:
    """Return the name of a campaign without spaces around it. Raises InvalidText."""
    name = name.strip()
    if not name or creatives.utf16_length(name) > NAME_LIMIT:
        raise errors.InvalidText("name", NAME_LIMIT, creatives.utf16_length(name))
    return name


async def activate(session: AsyncSession, *, actor: Actor, campaign_id: int) -> Campaign:
    """Activate a draft campaign. An active campaign is returned unchanged.

    The advertiser, an admin or a super admin may do this (production checklist, RBAC). Locks the
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
    """Pause an active campaign: it gets no new placements, approvals or posts.

    Published posts stay. Locks the campaign. Raises NotFound, NotCampaignOwner, InvalidMove.
    """
    return await _move(session, actor, campaign_id, CampaignStatus.PAUSED, "campaign_paused")


async def resume(session: AsyncSession, *, actor: Actor, campaign_id: int) -> Campaign:
    """Resume a paused campaign, and cancel its queued posts that are later than RESUME_GRACE.

    Locks the campaign, then its queued post jobs. Raises NotFound, NotCampaignOwner, InvalidMove.
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
    """Cancel a campaign: withdraw its pending placements and cancel its unsent posts.

    Published posts stay for their promised hours. Locks the placements by id, then the campaign,
    then its queued post jobs. Raises NotFound, NotCampaignOwner, InvalidMove.
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
    withdrawn = await session.scalars(
        update(CampaignTarget)
        .where(
            # A target that was submitted after the first lock is skipped, because its lock would
            # come after the lock of the campaign.
            CampaignTarget.id.in_(target_ids),
            CampaignTarget.status == TargetStatus.PENDING,
            ~queries.has_escrow(),
        )
        .values(status=TargetStatus.WITHDRAWN, decided_at=func.clock())
        .returning(CampaignTarget.id)
    )
    await _cancel_jobs(session, campaign_id, older_than=None)
    await agreements.notify_ended(session, withdrawn.all())
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
    answer_time: timedelta = agreements.ANSWER_TIME,
    complaint_window: timedelta = timedelta(),
    agreed: Terms | None = None,
    key: str | None = None,
    retry_of: int | None = None,
) -> CampaignTarget:
    """Submit a placement to the channel's owner, or return the placement that already has `key`.

    `key` is the unique name of the request. `publish_at` has a time zone; None means publication
    right after the approval, or at the next free time of the channel's calendar. `answer_time` is
    how long the owner can answer; an acceptance rule of the channel answers at once.
    `complaint_window` is how long after the publication the owner is not paid. `agreed` are
    the terms that the advertiser has read, or None for the channel's first format. A placement that
    repeats another one (`retry_of`) has its ad. Locks the campaign, then takes advisory locks on
    the key, on the advertiser's pending placements and on the calendar. Raises AccessDenied,
    NotFound, NotCampaignOwner, CampaignNotActive, ChannelNotUsable, TermsChanged,
    PromiseTooLong, PersonBlocked, OpenLoss, PublishTimePast, PublishTimeTooFar, BudgetExceeded,
    InsufficientFunds, TimeNotFree, NoFreeTime; IdempotencyConflict if the key was used for another
    campaign or channel.
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
    chosen = await formats.require(session, channel, agreed)
    blocked_id = await users.first_blocked(session, advertiser_id, channel.owner_id)
    if blocked_id is not None:
        raise errors.PersonBlocked(blocked_id)
    # A loss that is written after this line is refused by the database when the price is held.
    await wallets.require_no_loss(session, advertiser_id)
    if publish_at is not None:
        await publish_times.require(session, publish_at, ahead=publish_ahead)
    left = await budget_left(session, campaign_id)
    if chosen.price > left:
        raise errors.BudgetExceeded(campaign_id, left, chosen.price)
    await submission_funds.require(session, advertiser_id=advertiser_id, price=chosen.price)
    on_top = timedelta(hours=chosen.hours_on_top)
    await kept_times.require(session, channel_id, publish_at, on_top=on_top)
    target = CampaignTarget(
        campaign_id=campaign_id,
        channel_id=channel_id,
        owner_id=channel.owner_id,
        **chosen._asdict(),
        fee_bps=fee_bps,
        publish_at=publish_at,
        status=TargetStatus.PENDING,
        key=key,
        retry_of=retry_of,
        creative=retry_of and (await session.get_one(CampaignTarget, retry_of)).creative,
        complaint_window=complaint_window,
        answer_due_at=agreements.answer_due_at(await queries.now(session), answer_time, publish_at),
    )
    session.add(target)
    await session.flush()
    await tracked_links.refresh(session, target, campaign)
    await audit.record(
        session,
        actor=actor,
        action="target_submitted",
        role="advertiser",
        target_id=target.id,
        campaign_id=campaign_id,
        channel_id=channel_id,
    )
    await agreements.ask(session, target, advertiser_id=advertiser_id)
    return target


async def withdraw_target(session: AsyncSession, *, actor: Actor, target_id: int) -> CampaignTarget:
    """Withdraw a pending placement. A withdrawn placement is returned unchanged.

    Locks the placement, its post job and its escrow. Raises NotFound, NotCampaignOwner; InvalidMove
    if the placement is not pending or has an escrow.
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
    await agreements.notify_ended(session, [target_id])
    return target


async def get(session: AsyncSession, *, actor: Actor, campaign_id: int) -> Campaign:
    """Return a campaign, if the actor is its advertiser or staff.

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
    """Return a page of a user's campaigns, newest first, optionally with one status."""
    page = {"user_id": user_id, "offset": offset}
    return (await session.scalars(_page(status, limit), page)).all()


@cache
def _page(status: CampaignStatus | None, limit: int) -> Select[Campaign]:
    user_id, offset = (bindparam(name, type_=BigInteger) for name in ("user_id", "offset"))
    query = select(Campaign).where(Campaign.advertiser_id == user_id)
    query = query if status is None else query.where(Campaign.status == status)
    return query.order_by(Campaign.id.desc()).limit(limit).offset(offset)


async def budget_left(session: AsyncSession, campaign_id: int) -> int:
    """Return a campaign's unspent budget in minor units, with what came back. Raises NotFound."""
    left = await session.scalar(_BUDGET_LEFT, {"campaign_id": campaign_id})
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
    """Lock a campaign and change its status, if the actor may do this."""
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
    if actor.user_id == campaign.advertiser_id:
        return ActorRole.ADVERTISER
    role = actor.staff_role(*MODERATORS)
    if role is None:
        raise errors.NotCampaignOwner(campaign.id)
    return ActorRole(role.value)


async def _cancel_jobs(
    session: AsyncSession, campaign_id: int, *, older_than: timedelta | None
) -> None:
    """Cancel a campaign's queued posts, or only first publications later than `older_than`."""
    targets = select(CampaignTarget.id).where(CampaignTarget.campaign_id == campaign_id)
    if older_than is not None:
        targets = targets.where(CampaignTarget.publish_at < func.clock() - older_than)
    await session.execute(
        update(PostJob)
        .where(PostJob.campaign_target_id.in_(targets), PostJob.search_above.is_(None))
        .where(PostJob.status == PostJobStatus.QUEUED)
        .where(true() if older_than is None else PostJob.removed_message_id.is_(None))
        .values(status=PostJobStatus.CANCELLED, updated_at=func.clock())
        .execution_options(synchronize_session=False)
    )


def _require_same(same: bool, key: str) -> None:  # noqa: FBT001 - a fact, not a mode
    if not same:
        raise errors.IdempotencyConflict(key)
