"""Read the facts that an admin needs to decide about a post."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.campaigns import Campaign, CampaignTarget, Channel, ad_of
from db.models.money import Escrow, EscrowStatus
from db.models.posting import Breach, PostCheck, PostJob, PostJobStatus, Verdict
from services.market import creatives
from services.market.creatives import Creative
from services.platform import errors
from services.posts import uncertain_posts

MAX_CHECKS_SHOWN = 12


@dataclass(frozen=True)
class CheckFact:
    """The result of one check of a post."""

    checked_at: datetime
    verdict: Verdict
    altered_parts: Sequence[str]


@dataclass(frozen=True)
class ResolutionCase:
    """The facts about a post for an admin's decision.

    Amounts are in minor units, and times have a time zone.
    """

    target_id: int
    claim_no: int
    campaign_name: str
    channel_title: str
    channel_username: str | None
    chat_id: int
    creative: Creative | None
    price: int
    job_status: PostJobStatus
    escrow_status: EscrowStatus
    message_id: int | None
    other_message_ids: Sequence[int]
    """The ids of an album's other messages."""
    known_message_id: int | None
    ends_at: datetime | None
    """The end of the promised hours, or None before their start."""
    last_error: str | None
    unverifiable: bool
    """True if no check can prove that a published post is still unchanged."""
    breach: Breach | None
    breach_refund_at: datetime | None
    """The time of the refund if no admin decides about the breach."""
    sent_at: datetime | None
    checks: Sequence[CheckFact]
    """The last MAX_CHECKS_SHOWN checks, oldest first. Checks with alterations go before others."""
    seen_at: datetime | None
    """The time of the last check that found the post and compared its text, or None."""
    taken_over: bool
    """True if the channel belongs to another person now than the owner of the placement."""

    @property
    def message_ids(self) -> Sequence[int]:
        """The ids of all messages of the published post."""
        return [] if self.message_id is None else [self.message_id, *self.other_message_ids]

    @property
    def uncertain(self) -> bool:
        """Whether the outcome of the send is unknown."""
        return self.job_status is PostJobStatus.UNCERTAIN

    @property
    def needs_decision(self) -> bool:
        """Whether an admin has to decide about the money of a published post."""
        return (
            self.job_status is PostJobStatus.SUCCESS
            and self.escrow_status is EscrowStatus.HELD
            and (self.unverifiable or self.breach is not None)
        )

    @property
    def unseen_before_end(self) -> timedelta | None:
        """How long before the end of the promised hours the post was last seen.

        The publication counts if no check found the post. The result is None if the post was seen
        at the end, or if the promised hours have not started.
        """
        seen_at = self.seen_at or self.sent_at
        if self.ends_at is None or seen_at is None or seen_at >= self.ends_at:
            return None
        return self.ends_at - seen_at


async def get_case(session: AsyncSession, *, target_id: int) -> ResolutionCase:
    """Return the facts about one post. Raises NotFound."""
    row = (
        await session.execute(
            select(
                PostJob,
                Campaign,
                ad_of(),
                Channel,
                CampaignTarget.price,
                CampaignTarget.owner_id,
                Escrow,
                uncertain_posts.is_unverifiable(),
            )
            .join(CampaignTarget, CampaignTarget.id == PostJob.campaign_target_id)
            .join(Campaign, Campaign.id == CampaignTarget.campaign_id)
            .join(Channel, Channel.id == CampaignTarget.channel_id)
            .join(Escrow, Escrow.campaign_target_id == CampaignTarget.id)
            .where(CampaignTarget.id == target_id)
            .execution_options(populate_existing=True)
        )
    ).one_or_none()
    if row is None:
        raise errors.NotFound("target", target_id)
    job, campaign, ad, channel, price, owner_id, escrow, unverifiable = row
    seen_at = await session.scalar(
        select(func.max(PostCheck.checked_at))
        .join(PostJob, PostJob.id == PostCheck.post_job_id)
        .where(
            PostCheck.post_job_id == job.id,
            PostCheck.checked_at >= PostJob.sent_at,
            PostCheck.verdict == Verdict.PRESENT,
            PostCheck.compared,
        )
    )
    return ResolutionCase(
        target_id=target_id,
        claim_no=job.claim_no,
        campaign_name=campaign.name,
        channel_title=channel.title,
        channel_username=channel.username,
        chat_id=channel.chat_id,
        creative=creatives.read_or_none(ad),
        price=price,
        job_status=job.status,
        escrow_status=escrow.status,
        message_id=job.message_id,
        other_message_ids=job.other_message_ids,
        known_message_id=job.known_message_id,
        ends_at=escrow.release_due_at,
        last_error=job.last_error,
        unverifiable=bool(unverifiable),
        breach=job.breach,
        breach_refund_at=job.breach_refund_at,
        sent_at=job.sent_at,
        checks=await _checks_shown(session, job.id),
        seen_at=seen_at,
        taken_over=channel.owner_id != owner_id,
    )


async def _checks_shown(session: AsyncSession, job_id: int) -> Sequence[CheckFact]:
    rows = await session.execute(
        select(PostCheck.checked_at, PostCheck.verdict, PostCheck.altered_parts)
        .where(PostCheck.post_job_id == job_id)
        .order_by(
            PostCheck.verdict != Verdict.ALTERED, PostCheck.checked_at.desc(), PostCheck.id.desc()
        )
        .limit(MAX_CHECKS_SHOWN)
    )
    return sorted((CheckFact(*row) for row in rows), key=lambda check: check.checked_at)
