"""Approve and reject placements."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Select, Text, bindparam, case, func, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from db import failures, queries
from db.correlation import correlation_id
from db.models.agreements import ChangeRequest, PlacementAnswer
from db.models.campaigns import (
    Campaign,
    CampaignTarget,
    Channel,
    TargetStatus,
)
from db.models.formats import Ending
from db.models.money import EscrowStatus, Wallet, WalletKind
from db.models.operations import FailureKind, Switch
from db.models.users import User
from db.session import is_timeout, sqlstate
from services.market import (
    agreements,
    change_requests,
    kept_times,
    submission_cards,
    tracked_links,
)
from services.market.change_requests import WantedChange
from services.market.creatives import Creative
from services.market.tracked_links import Targets
from services.money import ledger, wallets
from services.platform import audit, errors, outbox, transitions
from services.platform.actors import MODERATORS, Actor
from services.platform.agreement_errors import NotAgreed, VersionChanged
from services.platform.channel_errors import TimerTooShort
from services.platform.transitions import ActorRole

REASON_LIMIT = 200
_ACCEPTED_BY_ACTOR = "AD059"
"""The database refuses the approval by the manager who has accepted the placement."""
APPROVE = text(
    "SELECT code, ref_id, state FROM approve_target("
    ":target_id, :actor_id, :role, :correlation_id, :version)"
).bindparams(
    *(bindparam(name, type_=BigInteger) for name in ("target_id", "actor_id", "version")),
    *(bindparam(name, type_=Text) for name in ("role", "correlation_id")),
)


@dataclass(frozen=True)
class Decision:
    """The result of an approval or a rejection."""

    target_id: int
    created: bool
    """False if an earlier call made the same decision."""


@dataclass(frozen=True)
class PlacementDetails:
    """The data of a placement for moderators.

    Amounts are in minor units, and times have a time zone.
    """

    target_id: int
    campaign_id: int
    campaign_name: str
    creative: Creative
    """The ad as it is published, with its tracked links."""
    targets: Targets
    """The true address behind each tracked link of the ad."""
    version: int
    advertiser_id: int
    advertiser_telegram_id: int
    owner_id: int
    owner_telegram_id: int
    channel_id: int
    channel_title: str
    channel_username: str | None
    channel_chat_id: int
    price: int
    promised_hours: int
    hours_on_top: int
    ending: Ending
    fee_bps: int
    publish_at: datetime | None
    status: str
    topic: str | None
    """The topic of the ad, which the advertiser has chosen, or None."""
    decided_by_telegram_id: int | None
    decision_reason: str | None
    answer_due_at: datetime | None
    """Until when the owner can answer, or None if the owner was never asked."""
    agreed_at: datetime | None
    agreed_by: str
    """The side that accepted the present version: `owner`, `manager` or `rule`."""
    is_declined: bool
    """True if the owner has declined the placement."""
    wanted: WantedChange | None
    """The change of the present version that the owner or a moderator asks for, or None."""
    advertiser_balance: int
    advertiser_loss: int
    """How much the advertiser owes to the platform. A debt forbids the approval."""
    advertiser_pending: int
    currency: str

    @property
    def plain_creative(self) -> Creative:
        """The ad with its true addresses, as the advertiser made it."""
        return tracked_links.plain(self.creative, self.targets)

    @property
    def waits_for_owner(self) -> bool:
        """Whether the placement is pending and its owner has not answered."""
        return (
            self.status == TargetStatus.PENDING
            and self.answer_due_at is not None
            and self.agreed_at is None
        )

    @property
    def without_card(self) -> int:
        """How many pending placements of the advertiser have no card (a message with buttons)."""
        return max(self.advertiser_pending - submission_cards.OPEN_CARDS, 0)


async def approve(
    session: AsyncSession, *, actor: Actor, target_id: int, version: int = 1
) -> Decision:
    """Approve a placement in the version that the admin has seen: hold its price, queue its post.

    A repeated approval or an error changes nothing. Locks the kill switch `new_escrows` (shared),
    the placement, its campaign (shared), its escrow, the wallets, then the calendar of the channel
    if the post gets the next free time. Raises AccessDenied, NotFound, OwnMoney, InvalidMove,
    VersionChanged, NotAgreed, CampaignNotActive, ChannelNotUsable, TimerTooShort, PersonBlocked,
    PublishTimePast, SwitchStopped, EscrowNotHeld, OpenLoss, InsufficientFunds, NoFreeTime.
    """
    role = actor.require_staff(*MODERATORS, action="moderation_approve")
    parameters = {
        "target_id": target_id,
        "actor_id": actor.user_id,
        "role": role.value,
        "correlation_id": correlation_id.get(),
        "version": version,
    }
    try:
        found = await session.execute(APPROVE, parameters)
    except DBAPIError as error:
        if sqlstate(error) == _ACCEPTED_BY_ACTOR:
            raise errors.OwnMoney(target_id) from error
        if is_timeout(error):
            failures.count(FailureKind.APPROVE_TIMEOUT)
        refusal = kept_times.domain_error(error)
        raise refusal or ledger.domain_error(error, f"escrow_hold:{target_id}") from error
    code, ref_id, state = found.one()
    if code is not None and code != "repeated":
        raise _refusal(target_id, code, ref_id, state)
    return Decision(target_id, created=code is None)


async def reject(
    session: AsyncSession, *, actor: Actor, target_id: int, reason: str, version: int = 1
) -> Decision:
    """Reject a pending placement and send its advertiser the reason.

    A repeated rejection changes nothing. Locks the kill switch `new_escrows` (shared), the
    placement, its campaign (shared) and its escrow. Raises AccessDenied, NotFound, OwnMoney,
    InvalidText, VersionChanged; InvalidMove if the placement is not pending or its escrow is held.
    """
    role = actor.require_staff(*MODERATORS, action="moderation_reject")
    reason = reason.strip()
    if not 1 <= len(reason) <= REASON_LIMIT:
        raise errors.InvalidText("reason", REASON_LIMIT, len(reason))
    placement = await _lock_undecided(session, actor, target_id)
    target = placement.target
    if target.status is TargetStatus.REJECTED:
        return Decision(target_id, created=False)
    if target.version != version:
        raise VersionChanged(target_id)
    transitions.require(
        transitions.TARGET,
        "target",
        target_id,
        status=target.status,
        wanted=TargetStatus.REJECTED,
        role=ActorRole(role.value),
    )
    if placement.escrow is not None and placement.escrow.status is EscrowStatus.HELD:
        raise errors.InvalidMove("target", target_id, "held", TargetStatus.REJECTED)
    await session.execute(
        update(CampaignTarget)
        .where(CampaignTarget.id == target_id)
        .values(
            status=TargetStatus.REJECTED,
            decided_by=actor.user_id,
            decided_at=func.clock(),
            decision_reason=reason,
        )
    )
    await audit.record(
        session,
        actor=actor,
        action="moderation_rejected",
        role=role,
        target_id=target_id,
        campaign_id=target.campaign_id,
        reason=reason,
    )
    await outbox.add(
        session,
        user_id=placement.campaign.advertiser_id,
        kind="target_rejected",
        payload={"target_id": target_id},
        key=f"target_rejected:{target_id}",
    )
    await agreements.notify_ended(session, [target_id])
    return Decision(target_id, created=True)


async def queue(session: AsyncSession, *, limit: int, offset: int) -> Sequence[PlacementDetails]:
    """Return a page of the pending placements that their owners have accepted, oldest first.

    Placements that must wait for a card (a message with buttons) come last.
    """
    ranked = submission_cards.rank_pending()
    rows = await session.execute(
        _query()
        .join(ranked, ranked.c.id == CampaignTarget.id)
        .order_by(
            ranked.c.rank > submission_cards.OPEN_CARDS,
            CampaignTarget.created_at,
            CampaignTarget.id,
        )
        .limit(limit)
        .offset(offset)
    )
    return [_card(row) for row in rows]


async def get_details(session: AsyncSession, *, target_id: int) -> PlacementDetails:
    """Return the details of one placement. Raises NotFound."""
    row = (await session.execute(_query().where(CampaignTarget.id == target_id))).one_or_none()
    if row is None:
        raise errors.NotFound("target", target_id)
    return _card(row)


async def get_many_details(
    session: AsyncSession, *, target_ids: Collection[int]
) -> dict[int, PlacementDetails]:
    """Return the details of the placements that exist, by id."""
    rows = await session.execute(_query().where(CampaignTarget.id.in_(target_ids)))
    return {card.target_id: card for card in map(_card, rows)}


async def _lock_undecided(
    session: AsyncSession, actor: Actor, target_id: int
) -> queries.LockedPlacement:
    placement = await queries.lock_placement(session, target_id)
    if placement is None:
        raise errors.NotFound("target", target_id)
    if actor.user_id in {placement.campaign.advertiser_id, placement.target.owner_id}:
        raise errors.OwnMoney(target_id)
    return placement


def _refusal(
    target_id: int, code: str, ref_id: int | None, state: str | None
) -> errors.DomainError:
    """Return the error for a code from the database function `approve_target`."""
    id_, status = ref_id or target_id, state or ""
    refusals: dict[str, Callable[[], errors.DomainError]] = {
        "not_found": lambda: errors.NotFound("target", target_id),
        "own_money": lambda: errors.OwnMoney(target_id),
        "invalid_move": lambda: errors.InvalidMove(
            "target", target_id, status, TargetStatus.APPROVED
        ),
        "version_changed": lambda: VersionChanged(target_id),
        "not_agreed": lambda: NotAgreed(target_id),
        "campaign_not_active": lambda: errors.CampaignNotActive(id_, status),
        "channel_not_usable": lambda: errors.ChannelNotUsable(id_, status),
        "promise_too_long": lambda: TimerTooShort(target_id, int(status)),
        "person_blocked": lambda: errors.PersonBlocked(id_),
        "publish_time_past": lambda: errors.PublishTimePast(target_id),
        "switch_stopped": lambda: errors.SwitchStopped(Switch.NEW_ESCROWS),
        "escrow_not_held": lambda: errors.EscrowNotHeld(target_id, status),
    }
    return refusals[code]()


def _query() -> Select[*tuple[Any, ...]]:
    advertiser, owner, decider = aliased(User), aliased(User), aliased(User)
    return (
        select(
            CampaignTarget,
            Campaign,
            Channel,
            advertiser.telegram_id.label("advertiser_telegram_id"),
            owner.telegram_id.label("owner_telegram_id"),
            decider.telegram_id.label("decider_telegram_id"),
            Wallet.balance,
            Wallet.currency,
            wallets.open_loss_of(Campaign.advertiser_id).label("advertiser_loss"),
            submission_cards.count_pending().label("advertiser_pending"),
            ChangeRequest,
            queries.publish_time().label("publish_at"),
            case(
                (PlacementAnswer.answered_by.is_(None), "rule"),
                (PlacementAnswer.answered_by == CampaignTarget.owner_id, "owner"),
                else_="manager",
            ).label("agreed_by"),
            tracked_links.stored().label("links"),
        )
        .join(Campaign, Campaign.id == CampaignTarget.campaign_id)
        .join(Channel, Channel.id == CampaignTarget.channel_id)
        .join(advertiser, advertiser.id == Campaign.advertiser_id)
        .join(owner, owner.id == CampaignTarget.owner_id)
        .join(Wallet, (Wallet.user_id == Campaign.advertiser_id) & (Wallet.kind == WalletKind.USER))
        .outerjoin(decider, decider.id == CampaignTarget.decided_by)
        .outerjoin(ChangeRequest, ChangeRequest.id == change_requests.open_id())
        .outerjoin(
            PlacementAnswer,
            (PlacementAnswer.campaign_target_id == CampaignTarget.id)
            & (PlacementAnswer.version == CampaignTarget.version),
        )
        .execution_options(populate_existing=True)
    )


def _card(row: Any) -> PlacementDetails:
    target: CampaignTarget = row.CampaignTarget
    campaign: Campaign = row.Campaign
    channel: Channel = row.Channel
    creative = Creative.from_json(target.creative or campaign.creative)
    return PlacementDetails(
        target_id=target.id,
        campaign_id=campaign.id,
        campaign_name=campaign.name,
        creative=creative,
        targets=tracked_links.targets(creative, row.links),
        version=target.version,
        advertiser_id=campaign.advertiser_id,
        advertiser_telegram_id=row.advertiser_telegram_id,
        owner_id=target.owner_id,
        owner_telegram_id=row.owner_telegram_id,
        channel_id=channel.id,
        channel_title=channel.title,
        channel_username=channel.username,
        channel_chat_id=channel.chat_id,
        price=target.price,
        promised_hours=target.promised_hours,
        hours_on_top=target.hours_on_top,
        ending=target.ending,
        fee_bps=target.fee_bps,
        publish_at=row.publish_at,
        status=target.status,
        topic=campaign.topic,
        decided_by_telegram_id=row.decider_telegram_id,
        decision_reason=target.decision_reason,
        answer_due_at=target.answer_due_at,
        agreed_at=target.agreed_at,
        agreed_by=row.agreed_by,
        is_declined=target.decided_by == target.owner_id,
        wanted=change_requests.wanted(row.ChangeRequest),
        advertiser_balance=row.balance,
        advertiser_loss=int(row.advertiser_loss),
        advertiser_pending=row.advertiser_pending,
        currency=row.currency,
    )
