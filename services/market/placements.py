"""Read placements with the states of their posts and escrows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Row,
    ScalarSelect,
    Select,
    bindparam,
    func,
    literal,
    select,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from db import queries
from db.models.agreements import ChangeRequest
from db.models.campaigns import Campaign, CampaignTarget, Channel, TargetStatus
from db.models.complaints import DECISIONS, MOST_COMPLAINTS, Complaint, ComplaintStatus
from db.models.formats import Ending
from db.models.money import Escrow, EscrowStatus
from db.models.posting import PostJob, PostJobStatus
from db.models.removals import Removal, RemovalStatus
from db.models.top_watch import PostAbove
from services.market import agreements, change_requests, managers
from services.market.change_requests import WantedChange
from services.platform import errors
from services.platform.actors import STAFF, Actor


@dataclass(frozen=True)
class Placement:
    """A placement with the states of its post and its escrow.

    Amounts are in minor units, and times have a time zone.
    """

    target_id: int
    campaign_id: int
    campaign_name: str
    advertiser_id: int
    owner_id: int
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
    target_status: str
    decision_reason: str | None
    job_status: str | None
    last_error: str | None
    message_id: int | None
    other_message_ids: Sequence[int] | None
    """The ids of an album's other messages, or None before the approval."""
    breach: str | None
    escrow_status: str | None
    returned: int | None
    """The part of the price that came back by a split after a complaint; None without an escrow."""
    removal_status: str | None
    """The status of the removal of the post by the bot, or None if none is planned."""
    release_due_at: datetime | None
    answer_due_at: datetime | None
    """Until when the owner can answer, or None if the owner was never asked."""
    agreed_at: datetime | None
    is_declined: bool | None
    """True if the owner has declined the placement."""
    version: int
    covered_at: datetime | None
    """When a newer post came above the ad within its hours on top, or None."""
    covered_by: int | None
    """The message id of this newer post, or None."""
    complaint_window: timedelta
    """How long after the publication the owner is not paid."""
    complaint_id: int | None
    """The id of the last complaint about the post, or None."""
    complaint_status: str | None
    complaint_outcome: str | None
    complaint_number: int | None
    due_at: datetime | None
    """Before which time the queued post is not sent, or None before the approval."""
    cancelled_at: datetime | None
    """When the advertiser cancelled the approved placement, or None."""
    read_at: datetime
    wanted: WantedChange | None
    """The change of the present version that the owner or a moderator asks for, or None."""

    def cancel_until(self, cutoff: timedelta) -> datetime | None:
        """Return until when the advertiser can cancel the placement, or None if they cannot."""
        if self.target_status != TargetStatus.APPROVED or self.job_status != PostJobStatus.QUEUED:
            return None
        until = self.due_at and self.due_at - cutoff
        return until if until is not None and until > self.read_at else None

    @property
    def is_gone(self) -> bool:
        """Whether the post is known to be no more in the channel."""
        was_removed = self.job_status == PostJobStatus.FAILED and self.last_error == "removed"
        return was_removed or self.removal_status == RemovalStatus.DONE

    @property
    def is_changeable(self) -> bool:
        """Whether the advertiser can still change the placement."""
        return self.target_status == TargetStatus.PENDING and self.escrow_status is None

    @property
    def may_complain(self) -> bool:
        """Whether the advertiser can complain about the post now."""
        return (
            self.job_status == PostJobStatus.SUCCESS
            and self.escrow_status == EscrowStatus.HELD
            and self.breach is None
            and self.advertiser_id != self.owner_id
            and (
                self.complaint_number is None
                or (
                    self.complaint_number < MOST_COMPLAINTS
                    and self.complaint_status == ComplaintStatus.CLOSED
                    and self.complaint_outcome not in DECISIONS
                )
            )
        )

    @property
    def waits_for_owner(self) -> bool:
        """Whether the placement is pending and its owner has not answered."""
        return (
            self.target_status == TargetStatus.PENDING
            and self.answer_due_at is not None
            and self.agreed_at is None
        )


def _last_complaint() -> ScalarSelect[int]:
    return (
        select(func.max(Complaint.id))
        .where(Complaint.campaign_target_id == CampaignTarget.id)
        .correlate(CampaignTarget)
        .scalar_subquery()
    )


@cache
def _query() -> Select[*tuple[Any, ...]]:
    return (
        select(
            CampaignTarget.id,
            Campaign.id,
            Campaign.name,
            Campaign.advertiser_id,
            CampaignTarget.owner_id,
            Channel.id,
            Channel.title,
            Channel.username,
            Channel.chat_id,
            CampaignTarget.price,
            CampaignTarget.promised_hours,
            CampaignTarget.hours_on_top,
            CampaignTarget.ending,
            CampaignTarget.fee_bps,
            queries.publish_time(),
            CampaignTarget.status,
            CampaignTarget.decision_reason,
            PostJob.status,
            PostJob.last_error,
            PostJob.message_id,
            PostJob.other_message_ids,
            PostJob.breach,
            Escrow.status,
            Escrow.returned,
            Removal.status,
            Escrow.release_due_at,
            CampaignTarget.answer_due_at,
            CampaignTarget.agreed_at,
            CampaignTarget.decided_by == CampaignTarget.owner_id,
            CampaignTarget.version,
            PostAbove.posted_at,
            PostAbove.message_id,
            CampaignTarget.complaint_window,
            Complaint.id,
            Complaint.status,
            Complaint.outcome,
            Complaint.number,
            PostJob.due_at,
            CampaignTarget.cancelled_at,
            func.clock(),
            ChangeRequest,
        )
        .join(Campaign, Campaign.id == CampaignTarget.campaign_id)
        .join(Channel, Channel.id == CampaignTarget.channel_id)
        .outerjoin(PostJob, PostJob.campaign_target_id == CampaignTarget.id)
        .outerjoin(Escrow, Escrow.campaign_target_id == CampaignTarget.id)
        .outerjoin(Removal, Removal.post_job_id == PostJob.id)
        .outerjoin(PostAbove, PostAbove.post_job_id == PostJob.id)
        .outerjoin(Complaint, Complaint.id == _last_complaint())
        .outerjoin(ChangeRequest, ChangeRequest.id == change_requests.open_id())
    )


@cache
def _one() -> Select[*tuple[Any, ...]]:
    return _query().where(CampaignTarget.id == bindparam("target_id", type_=BigInteger))


@cache
def _page_of(person: InstrumentedAttribute[int], limit: int) -> Select[*tuple[Any, ...]]:
    """Return the statement for a page of the placements of the person `user_id`, newest first."""
    return (
        _query()
        .where(person == bindparam("user_id", type_=BigInteger))
        .order_by(CampaignTarget.id.desc())
        .limit(limit)
        .offset(bindparam("offset", type_=BigInteger))
    )


def _placement(row: Row[Any]) -> Placement:
    columns: list[Any] = list(row)
    columns[-1] = change_requests.wanted(columns[-1])
    return Placement(*columns)


async def of_advertiser(
    session: AsyncSession,
    *,
    user_id: int,
    limit: int,
    offset: int,
) -> Sequence[Placement]:
    """Return a page of an advertiser's placements, newest first."""
    statement = _page_of(Campaign.advertiser_id, limit)
    rows = await session.execute(statement, {"user_id": user_id, "offset": offset})
    return [_placement(row) for row in rows]


async def of_owner(
    session: AsyncSession, *, user_id: int, limit: int, offset: int
) -> Sequence[Placement]:
    """Return a page of an owner's placements, newest first."""
    statement = _page_of(CampaignTarget.owner_id, limit)
    rows = await session.execute(statement, {"user_id": user_id, "offset": offset})
    return [_placement(row) for row in rows]


async def of_channel(
    session: AsyncSession,
    *,
    channel: Channel,
    statuses: Sequence[TargetStatus],
    limit: int,
    offset: int,
) -> Sequence[Placement]:
    """Return a page of the placements with some statuses in a channel, newest first.

    Only the placements that the channel's present owner has sold are returned.
    """
    rows = await session.execute(
        _query()
        .where(
            CampaignTarget.channel_id == channel.id,
            CampaignTarget.owner_id == channel.owner_id,
            CampaignTarget.status.in_(statuses),
        )
        .order_by(CampaignTarget.id.desc())
        .limit(limit)
        .offset(offset)
    )
    return [_placement(row) for row in rows]


async def waiting_for_owner(
    session: AsyncSession, *, user_id: int, limit: int, offset: int
) -> Sequence[Placement]:
    """Return a page of the placements that wait for a person's answer, the oldest first."""
    rows = await session.execute(
        _query()
        .where(
            agreements.is_asked(),
            managers.may_answer(literal(user_id)),
            CampaignTarget.answer_due_at > func.clock(),
        )
        .order_by(CampaignTarget.id)
        .limit(limit)
        .offset(offset)
    )
    return [_placement(row) for row in rows]


async def get(session: AsyncSession, *, actor: Actor, target_id: int) -> Placement:
    """Return a placement, if the actor is its advertiser, its owner or staff.

    Raises NotFound if the placement does not exist or the actor may not see the placement.
    """
    row = (await session.execute(_one(), {"target_id": target_id})).one_or_none()
    if row is None:
        raise errors.NotFound("target", target_id)
    placement = _placement(row)
    is_party = actor.user_id in {placement.advertiser_id, placement.owner_id}
    # The same error as for a missing placement, so that an id shows nothing about other people.
    if not is_party and actor.staff_role(*STAFF) is None:
        raise errors.NotFound("target", target_id)
    return placement
