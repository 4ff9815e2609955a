"""Change a pending placement by a new version, about which the channel's owner is asked again."""

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, DateTime, Text, bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.correlation import correlation_id
from db.models.campaigns import (
    Campaign,
    CampaignStatus,
    CampaignTarget,
    Channel,
    ChannelStatus,
    TargetStatus,
)
from services.market import (
    agreements,
    campaigns,
    change_requests,
    kept_times,
    publish_times,
    submission_funds,
)
from services.market.creatives import Creative
from services.market.terms import Terms
from services.platform import errors, users
from services.platform.actors import Actor
from services.platform.agreement_errors import NothingChanged, TooManyChanges, VersionChanged

MOST = 10
"""The greatest number of versions of a placement. The database function knows it too."""
_CHANGE = text(
    "SELECT code, state FROM change_placement(:target_id, :version, :actor_id, :ad, :price,"
    " :promised_hours, :hours_on_top, :ending, :publish_at, :answer_due_at, :correlation_id)"
).bindparams(
    *(
        bindparam(name, type_=BigInteger)
        for name in (
            *("target_id", "version", "actor_id"),
            *("price", "promised_hours", "hours_on_top"),
        )
    ),
    bindparam("ad", type_=JSONB(none_as_null=True)),
    *(bindparam(name, type_=DateTime(timezone=True)) for name in ("publish_at", "answer_due_at")),
    *(bindparam(name, type_=Text) for name in ("ending", "correlation_id")),
)


async def change_ad(
    session: AsyncSession,
    *,
    actor: Actor,
    target_id: int,
    version: int,
    creative: Creative,
    publish_ahead: timedelta = publish_times.LONGEST_AHEAD,
    answer_time: timedelta = agreements.ANSWER_TIME,
) -> bool:
    """Give a pending placement another ad, and ask the channel's owner about it.

    `version` is the version that the advertiser has seen. Returns False if the same change was made
    before. The campaign keeps its ad. Locks the placement, then its campaign. Raises AccessDenied,
    NotFound, NotCampaignOwner, InvalidMove, VersionChanged, NothingChanged, TooManyChanges,
    InvalidCreative, InvalidText, CampaignNotActive, ChannelNotUsable, PersonBlocked,
    PublishTimePast.
    """
    placement = await _lock(session, actor, target_id)
    return await _change(
        session,
        actor,
        placement,
        version,
        creative=creative.validate(),
        terms=_terms(placement[0]),
        publish_at=placement[0].publish_at,
        publish_ahead=publish_ahead,
        answer_time=answer_time,
    )


async def change_time(
    session: AsyncSession,
    *,
    actor: Actor,
    target_id: int,
    version: int,
    publish_at: datetime,
    publish_ahead: timedelta = publish_times.LONGEST_AHEAD,
    answer_time: timedelta = agreements.ANSWER_TIME,
) -> bool:
    """Give a pending placement another time (with a time zone), and ask the channel's owner.

    `version` is the version that the advertiser has seen. Returns False if the same change was made
    before. Locks the placement, then its campaign, and takes an advisory lock on the channel's
    calendar. Raises the errors of `change_ad`, and PublishTimeTooFar, TimeNotFree.
    """
    placement = await _lock(session, actor, target_id)
    return await _change(
        session,
        actor,
        placement,
        version,
        creative=None,
        terms=_terms(placement[0]),
        publish_at=publish_at,
        publish_ahead=publish_ahead,
        answer_time=answer_time,
    )


async def accept_request(
    session: AsyncSession,
    *,
    actor: Actor,
    target_id: int,
    version: int,
    request_id: int,
    publish_ahead: timedelta = publish_times.LONGEST_AHEAD,
    answer_time: timedelta = agreements.ANSWER_TIME,
) -> bool:
    """Change the price, the format or the time of a pending placement as its owner has asked.

    The owner is asked about the new version. `version` and `request_id` are the version and the
    request that the advertiser has seen: a later request is not accepted unseen. Returns False if
    the change was made before. Locks the placement, then its campaign, and takes advisory locks on
    the advertiser's pending placements and on the channel's calendar. Raises the errors of
    `change_ad`, and PublishTimeTooFar, TimeNotFree, BudgetExceeded, InsufficientFunds;
    NothingChanged if the request names neither a price nor a format nor a time.
    """
    placement = await _lock(session, actor, target_id)
    target = placement[0]
    request = await change_requests.find_open(session, target_id)
    if target.version != version or (request is not None and request.id != request_id):
        raise VersionChanged(target_id)
    if request is None or not request.is_proposal:
        raise NothingChanged(target_id)
    return await _change(
        session,
        actor,
        placement,
        version,
        creative=None,
        terms=request.terms(_terms(target)),
        publish_at=request.publish_at or target.publish_at,
        publish_ahead=publish_ahead,
        answer_time=answer_time,
    )


def _terms(target: CampaignTarget) -> Terms:
    return Terms(target.price, target.promised_hours, target.hours_on_top, target.ending)


async def _lock(
    session: AsyncSession, actor: Actor, target_id: int
) -> tuple[CampaignTarget, Campaign]:
    """Lock a person's own placement, then its campaign."""
    user_id = actor.require_user(action="placement_change")
    target = await queries.lock_target(session, target_id)
    if target is None:
        raise errors.NotFound("target", target_id)
    campaign = queries.required(await queries.lock_campaign(session, target.campaign_id))
    if campaign.advertiser_id != user_id:
        raise errors.NotCampaignOwner(campaign.id)
    return target, campaign


async def _change(
    session: AsyncSession,
    actor: Actor,
    placement: tuple[CampaignTarget, Campaign],
    version: int,
    *,
    creative: Creative | None,
    terms: Terms,
    publish_at: datetime | None,
    publish_ahead: timedelta,
    answer_time: timedelta,
) -> bool:
    """Write a new version of a locked placement. Return False if it was written before."""
    target, campaign = placement
    if target.status is TargetStatus.PENDING and target.version == version:
        await _require_usable(session, target, campaign)
        if publish_at is not None:
            await publish_times.require(session, publish_at, ahead=publish_ahead)
        await _require_money(session, target, campaign, terms.price)
    moment = await queries.now(session)
    values = {
        "target_id": target.id,
        "version": version,
        "actor_id": actor.user_id,
        "ad": creative and creative.as_json(),
        **terms._asdict(),
        "publish_at": publish_at,
        "answer_due_at": agreements.answer_due_at(moment, answer_time, publish_at),
        "correlation_id": correlation_id.get(),
    }
    try:
        code, state = (await session.execute(_CHANGE, values)).one()
    except DBAPIError as error:
        raise kept_times.domain_error(error) or error from error
    if code == "repeated":
        return False
    if code is not None:
        raise _refusal(target.id, code, state)
    await session.refresh(target)
    await agreements.ask(session, target, advertiser_id=campaign.advertiser_id)
    return True


async def _require_usable(
    session: AsyncSession, target: CampaignTarget, campaign: Campaign
) -> None:
    if campaign.status is not CampaignStatus.ACTIVE:
        raise errors.CampaignNotActive(campaign.id, campaign.status)
    channel = await session.get_one(Channel, target.channel_id, populate_existing=True)
    if channel.status is not ChannelStatus.ACTIVE or channel.owner_id != target.owner_id:
        raise errors.ChannelNotUsable(channel.id, channel.status)
    blocked_id = await users.first_blocked(session, campaign.advertiser_id, target.owner_id)
    if blocked_id is not None:
        raise errors.PersonBlocked(blocked_id)


async def _require_money(
    session: AsyncSession, target: CampaignTarget, campaign: Campaign, price: int
) -> None:
    """Require that the budget and the wallet cover what a placement costs more than before."""
    more = price - target.price
    if more <= 0:
        return
    left = await campaigns.budget_left(session, campaign.id)
    if more > left:
        raise errors.BudgetExceeded(campaign.id, left, more)
    await submission_funds.require(session, advertiser_id=campaign.advertiser_id, price=more)


def _refusal(target_id: int, code: str, state: str | None) -> errors.DomainError:
    """Return the error for a code from the database function `change_placement`."""
    refusals: dict[str, Callable[[], errors.DomainError]] = {
        "not_found": lambda: errors.NotFound("target", target_id),
        "invalid_move": lambda: errors.InvalidMove("target", target_id, state or "", "changed"),
        "version_changed": lambda: VersionChanged(target_id),
        "unchanged": lambda: NothingChanged(target_id),
        "too_many_versions": lambda: TooManyChanges(target_id),
    }
    return refusals[code]()
