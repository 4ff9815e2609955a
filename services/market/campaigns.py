"""Campaigns of advertisers, and the placements that they submit."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.campaigns import (
    Campaign,
    CampaignStatus,
    CampaignTarget,
    Channel,
    ChannelStatus,
    TargetStatus,
)
from db.models.posting import PostJob, PostJobStatus
from db.money import MAX_AMOUNT
from services.market import creatives
from services.market.creatives import Creative
from services.platform import audit, errors, outbox, transitions, users
from services.platform.actors import MODERATORS, Actor
from services.platform.transitions import ActorRole

NAME_LIMIT = 64
RESUME_GRACE = timedelta(hours=1)
"""A post whose time passed by less than this while its campaign was paused still goes out."""
SPENDING = (TargetStatus.PENDING, TargetStatus.APPROVED, TargetStatus.POSTED)
"""Targets whose price counts against the budget; the others give theirs back."""


class Terms(NamedTuple):
    """What a placement in a channel costs, and what is had for it."""

    price: int
    """Minor units."""
    promised_hours: int


async def create(
    session: AsyncSession,
    *,
    actor: Actor,
    name: str,
    creative: Creative,
    total_budget: int,
    key: str | None = None,
) -> Campaign:
    """Make a draft. With the same key again: the first one.

    `total_budget` in minor units. Raises InvalidText, InvalidAmount, InvalidCreative,
    PersonBlocked.
    """
    advertiser_id = _person(actor, "campaign_create")
    if key is not None:
        await queries.lock_key(session, key)
        made = await session.scalar(select(Campaign).where(Campaign.key == key))
        if made is not None:
            _require_same(made.advertiser_id == advertiser_id, key)
            return made
    name = name.strip()
    if not name or creatives.utf16_length(name) > NAME_LIMIT:
        raise errors.InvalidText("name", NAME_LIMIT, creatives.utf16_length(name))
    if not 1 <= total_budget <= MAX_AMOUNT:
        raise errors.InvalidAmount(total_budget)
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
    """Let a draft take placements; its creative is fixed from now on.

    By its advertiser, or an admin or super admin in the admin chat (production checklist, RBAC).
    Active already: the first result. Locks the campaign. Raises NotCampaignOwner, InvalidMove.
    """
    return await _move(
        session,
        actor,
        campaign_id,
        CampaignStatus.ACTIVE,
        "campaign_activated",
        sources={CampaignStatus.DRAFT},
    )


async def pause(session: AsyncSession, *, actor: Actor, campaign_id: int) -> Campaign:
    """Stop submissions, approvals and claims of an active campaign; live posts go on."""
    return await _move(session, actor, campaign_id, CampaignStatus.PAUSED, "campaign_paused")


async def resume(session: AsyncSession, *, actor: Actor, campaign_id: int) -> Campaign:
    """Go on with a paused campaign.

    A post whose time passed at most an hour ago goes out at once; an older one is cancelled, and
    the clock refunds it. Locks the campaign, then its queued jobs.
    """
    campaign = await queries.lock_campaign(session, campaign_id)
    paused = campaign is not None and campaign.status is CampaignStatus.PAUSED
    campaign = await _move(
        session,
        actor,
        campaign_id,
        CampaignStatus.ACTIVE,
        "campaign_resumed",
        sources={CampaignStatus.PAUSED},
    )
    if paused:  # a second press must not cancel what waits for another reason
        await _cancel_jobs(session, campaign_id, older_than=RESUME_GRACE)
    return campaign


async def cancel(session: AsyncSession, *, actor: Actor, campaign_id: int) -> Campaign:
    """End a campaign: pending targets withdrawn, unsent posts cancelled, live posts run on.

    The clock refunds what was held for the cancelled posts. Locks the targets by id, then the
    campaign; a target submitted in between is withdrawn by the clock.
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
            # Not one that was submitted since: its lock would come after the campaign's.
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
    agreed: Terms | None = None,
    key: str | None = None,
    retry_of: int | None = None,
) -> CampaignTarget:
    """Ask for a placement; the channel's terms are frozen in it. With the same key: the first one.

    `publish_at` aware, None = as soon as it is approved. `agreed` are the terms that the person has
    read, None = whatever they are. Locks the campaign, under which the budget is summed. Raises
    NotCampaignOwner, CampaignNotActive, ChannelNotUsable, TermsChanged, PersonBlocked,
    PublishTimePast, BudgetExceeded.
    """
    advertiser_id = _person(actor, "target_submit")
    campaign = await queries.lock_campaign(session, campaign_id)
    if campaign is None:
        raise errors.NotFound("campaign", campaign_id)
    if campaign.advertiser_id != advertiser_id:
        raise errors.NotCampaignOwner(campaign_id)
    if key is not None:
        await queries.lock_key(session, key)
        made = await session.scalar(select(CampaignTarget).where(CampaignTarget.key == key))
        if made is not None:
            _require_same((made.campaign_id, made.channel_id) == (campaign_id, channel_id), key)
            return made
    if campaign.status is not CampaignStatus.ACTIVE:
        raise errors.CampaignNotActive(campaign_id, campaign.status)
    channel = await session.get(Channel, channel_id, populate_existing=True)
    if channel is None:
        raise errors.NotFound("channel", channel_id)
    terms = _terms(channel, agreed)
    blocked = await users.first_blocked(session, advertiser_id, channel.owner_id)
    if blocked is not None:
        raise errors.PersonBlocked(blocked)
    if publish_at is not None and publish_at <= await queries.now(session):
        raise errors.PublishTimePast(None)
    left = await budget_left(session, campaign_id)
    if terms.price > left:
        raise errors.BudgetExceeded(campaign_id, left, terms.price)
    target = CampaignTarget(
        campaign_id=campaign_id,
        channel_id=channel_id,
        owner_id=channel.owner_id,
        price=terms.price,
        promised_hours=terms.promised_hours,
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
    await outbox.add(
        session, user_id=None, kind="target_submitted", payload={"target_id": target.id}
    )
    return target


async def withdraw_target(session: AsyncSession, *, actor: Actor, target_id: int) -> CampaignTarget:
    """Take a pending placement back, by its advertiser; refused once money is held for it.

    Locks the target. Withdrawn already: the first result.
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
    """Return a campaign to its advertiser or to staff. Raises NotFound, NotCampaignOwner."""
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
    """Return a page of a user's campaigns, newest first; of one status, if it is named."""
    query = select(Campaign).where(Campaign.advertiser_id == user_id)
    if status is not None:
        query = query.where(Campaign.status == status)
    rows = await session.scalars(query.order_by(Campaign.id.desc()).limit(limit).offset(offset))
    return rows.all()


async def budget_left(session: AsyncSession, campaign_id: int) -> int:
    """Return what is left of the budget, in minor units; firm only under the campaign's lock."""
    left = await session.scalar(
        select(
            Campaign.total_budget
            - select(func.coalesce(func.sum(CampaignTarget.price), 0))
            .where(CampaignTarget.campaign_id == campaign_id, CampaignTarget.status.in_(SPENDING))
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
    wanted: CampaignStatus,
    action: str,
    *,
    sources: set[CampaignStatus] | None = None,
) -> Campaign:
    """Move a campaign under its lock; where it is there already, that is the first result."""
    campaign = await queries.lock_campaign(session, campaign_id)
    if campaign is None:
        raise errors.NotFound("campaign", campaign_id)
    who = _role_for(actor, campaign)
    if campaign.status is wanted:
        return campaign
    transitions.require(
        transitions.CAMPAIGN,
        "campaign",
        campaign_id,
        status=campaign.status,
        wanted=wanted,
        role=who,
    )
    if sources is not None and campaign.status not in sources:
        raise errors.InvalidMove("campaign", campaign_id, campaign.status, wanted)
    campaign.status = wanted
    await session.flush()
    await audit.record(session, actor=actor, action=action, role=who, campaign_id=campaign_id)
    return campaign


def _role_for(actor: Actor, campaign: Campaign) -> ActorRole:
    """Say in which role the actor may touch the campaign. Raises NotCampaignOwner."""
    if actor.user_id == campaign.advertiser_id:
        return ActorRole.ADVERTISER
    role = actor.staff_role(*MODERATORS)
    if role is None:
        raise errors.NotCampaignOwner(campaign.id)
    return ActorRole(role.value)


async def _cancel_jobs(
    session: AsyncSession, campaign_id: int, *, older_than: timedelta | None
) -> None:
    """Cancel queued posts of a campaign: all, or those whose time to publish passed long ago.

    A job that a worker is claiming right now is waited for and then left alone.
    """
    targets = select(CampaignTarget.id).where(CampaignTarget.campaign_id == campaign_id)
    if older_than is not None:
        targets = targets.where(CampaignTarget.publish_at < func.clock() - older_than)
    await session.execute(
        update(PostJob)
        .where(
            PostJob.campaign_target_id.in_(targets),
            PostJob.status == PostJobStatus.QUEUED,
        )
        .values(status=PostJobStatus.CANCELLED, updated_at=func.clock())
        .execution_options(synchronize_session=False)
    )


def _terms(channel: Channel, agreed: Terms | None) -> Terms:
    """Return the terms of a channel that can be bought. Raises ChannelNotUsable, TermsChanged."""
    if channel.status is not ChannelStatus.ACTIVE:
        raise errors.ChannelNotUsable(channel.id, channel.status)
    terms = Terms(queries.required(channel.price), queries.required(channel.promised_hours))
    if agreed is not None and agreed != terms:
        raise errors.TermsChanged(channel.id, *terms)
    return terms


def _person(actor: Actor, action: str) -> int:
    """Return who acts; the clock buys nothing."""
    if actor.user_id is None:
        raise errors.AccessDenied(action)
    return actor.user_id


def _require_same(same: bool, key: str) -> None:  # noqa: FBT001 - a fact, not a mode
    if not same:
        raise errors.IdempotencyConflict(key)
