"""Read a complaint with its placement and its steps, for the two sides and for the staff."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Boolean, ScalarSelect, case, func, literal_column, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from db.models.campaigns import Campaign, CampaignTarget, Channel
from db.models.complaints import (
    Complaint,
    ComplaintKind,
    ComplaintStatus,
    ComplaintStep,
    Outcome,
    StepKind,
)
from db.models.posting import PostJob, PostJobStatus
from db.models.users import User
from services.market import terms
from services.market.complaints import WHOLE
from services.platform import errors
from services.platform.actors import MODERATORS, Actor

ADVERTISER, OWNER, STAFF = "advertiser", "owner", "staff"
"""The readers of a complaint."""


@dataclass(frozen=True)
class Step:
    """One step of a complaint."""

    kind: StepKind
    side: str
    """The person who took the step: `advertiser`, `owner`, `staff` or `system`."""
    words: str | None
    owner_percent: int | None
    at: datetime


@dataclass(frozen=True)
class Parts:
    """The parts of a held price by a decision, in minor units. They sum to the price."""

    owner: int
    fee: int
    advertiser: int


@dataclass(frozen=True)
class ComplaintCase:
    """A complaint with the facts of its placement. Times have a time zone."""

    id: int
    target_id: int
    number: int
    kind: ComplaintKind
    status: ComplaintStatus
    due_at: datetime | None
    owner_percent: int | None
    is_appealed: bool
    owner_accepts: bool
    advertiser_accepts: bool
    outcome: Outcome | None
    advertiser_id: int
    owner_id: int
    advertiser_telegram_id: int
    owner_telegram_id: int
    channel_title: str
    channel_username: str | None
    chat_id: int
    message_id: int | None
    price: int
    fee_bps: int
    promised_hours: int
    is_gone: bool
    """Whether the checks have proven that the published post is not in the channel any more."""
    was_republished: bool
    """Whether the owner has let the bot publish the removed post again."""
    is_out: bool
    """Whether the post is published. It is not between a removal and the next publication."""
    steps: Sequence[Step]
    complaints: int
    """The number of complaints of this advertiser, with this one."""
    groundless: int
    """The number of them that ended with a release that the staff had decided."""

    def parts(self, owner_percent: int) -> Parts:
        """Return the parts of the price by a decision for `owner_percent`.

        The owner's part is rounded down, as in the database function `complaint_share`, and then
        the fee is taken from it.
        """
        kept = self.price * owner_percent // WHOLE
        shares = terms.share(kept, self.fee_bps)
        return Parts(shares.owner, shares.fee, self.price - kept)

    @property
    def may_republish(self) -> bool:
        """Whether the owner may let the bot publish the removed post again."""
        is_asked = self.status in {ComplaintStatus.ASKED, ComplaintStatus.CORRECTING}
        return is_asked and self.is_gone and not self.was_republished

    def side_of(self, actor: Actor) -> str:
        """Return the name of the reader that an actor is: a side, or else the staff."""
        sides = {self.advertiser_id: ADVERTISER, self.owner_id: OWNER}
        return sides.get(actor.user_id or 0, STAFF)

    @property
    def stage(self) -> int:
        """The number of the decision that the staff are asked for: 1, or 2 about an appeal."""
        return 2 if self.status is ComplaintStatus.APPEALED else 1


async def get(session: AsyncSession, *, actor: Actor, complaint_id: int) -> ComplaintCase:
    """Return a complaint for a side of it or for the staff. Raises NotFound for anybody else."""
    found = await read(session, complaint_id)
    is_side = actor.user_id in {found.advertiser_id, found.owner_id}
    if not is_side and actor.staff_role(*MODERATORS) is None:
        raise errors.NotFound("complaint", complaint_id)
    return found


async def read(session: AsyncSession, complaint_id: int) -> ComplaintCase:
    """Return a complaint, whoever asks. Raises NotFound."""
    row = (
        await session.execute(
            select(
                Complaint,
                CampaignTarget.owner_id,
                CampaignTarget.price,
                CampaignTarget.fee_bps,
                CampaignTarget.promised_hours,
                Campaign.advertiser_id,
                Channel.title,
                Channel.username,
                Channel.chat_id,
                PostJob.message_id,
                PostJob.removed_message_id.is_not(None).label("was_republished"),
                (PostJob.status == PostJobStatus.SUCCESS).label("is_out"),
                func.is_post_gone(literal_column("post_jobs"), type_=Boolean).label("is_gone"),
                _telegram_id(Campaign.advertiser_id).label("advertiser_telegram_id"),
                _telegram_id(CampaignTarget.owner_id).label("owner_telegram_id"),
            )
            .join(CampaignTarget, CampaignTarget.id == Complaint.campaign_target_id)
            .join(Campaign, Campaign.id == CampaignTarget.campaign_id)
            .join(Channel, Channel.id == CampaignTarget.channel_id)
            .join(PostJob, PostJob.campaign_target_id == CampaignTarget.id)
            .where(Complaint.id == complaint_id)
            .execution_options(populate_existing=True)
        )
    ).one_or_none()
    if row is None:
        raise errors.NotFound("complaint", complaint_id)
    complaint: Complaint = row.Complaint
    total, groundless = await _count(session, row.advertiser_id)
    return ComplaintCase(
        id=complaint.id,
        target_id=complaint.campaign_target_id,
        number=complaint.number,
        kind=complaint.kind,
        status=complaint.status,
        due_at=complaint.due_at,
        owner_percent=complaint.owner_percent,
        is_appealed=complaint.appealed_by is not None,
        owner_accepts=complaint.owner_accepts,
        advertiser_accepts=complaint.advertiser_accepts,
        outcome=complaint.outcome,
        advertiser_id=row.advertiser_id,
        owner_id=row.owner_id,
        advertiser_telegram_id=row.advertiser_telegram_id,
        owner_telegram_id=row.owner_telegram_id,
        channel_title=row.title,
        channel_username=row.username,
        chat_id=row.chat_id,
        message_id=row.message_id,
        price=row.price,
        fee_bps=row.fee_bps,
        promised_hours=row.promised_hours,
        is_gone=row.is_gone,
        was_republished=row.was_republished,
        is_out=row.is_out,
        steps=await _steps(session, complaint.id, row.advertiser_id, row.owner_id),
        complaints=total,
        groundless=groundless,
    )


def _telegram_id(user_id: InstrumentedAttribute[int]) -> ScalarSelect[int]:
    return select(User.telegram_id).where(User.id == user_id).scalar_subquery()


async def _steps(
    session: AsyncSession, complaint_id: int, advertiser_id: int, owner_id: int
) -> Sequence[Step]:
    side = case(
        (ComplaintStep.actor_id.is_(None), "system"),
        (ComplaintStep.actor_id == advertiser_id, ADVERTISER),
        (ComplaintStep.actor_id == owner_id, OWNER),
        else_=STAFF,
    )
    rows = await session.execute(
        select(
            ComplaintStep.kind,
            side,
            ComplaintStep.words,
            ComplaintStep.owner_percent,
            ComplaintStep.created_at,
        )
        .where(ComplaintStep.complaint_id == complaint_id)
        .order_by(ComplaintStep.id)
    )
    return [Step(*row) for row in rows]


async def _count(session: AsyncSession, advertiser_id: int) -> tuple[int, int]:
    """Return how many complaints an advertiser has made, and how many of them had no ground."""
    row = (
        await session.execute(
            select(
                func.count(),
                func.count().filter(Complaint.outcome == Outcome.RELEASED),
            )
            .select_from(Complaint)
            .join(CampaignTarget, CampaignTarget.id == Complaint.campaign_target_id)
            .join(Campaign, Campaign.id == CampaignTarget.campaign_id)
            .where(Campaign.advertiser_id == advertiser_id)
        )
    ).one()
    return row[0], row[1]
