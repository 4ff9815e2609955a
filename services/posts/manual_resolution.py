"""What admins decide about posts of which nobody knows whether they are, or stayed, in the channel.

Every act names the claim that its card was about: an old card, a second press or another admin's
press finds that the post has moved on, changes nothing and answers False.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from db import queries
from db.models.campaigns import Campaign, CampaignStatus, CampaignTarget, Channel
from db.models.money import Escrow, EscrowStatus
from db.models.posting import PostCheck, PostJob, PostJobStatus, Verdict
from services.market import creatives
from services.market.creatives import Creative
from services.platform import audit, errors, transitions
from services.platform.actors import MODERATORS, Actor
from services.platform.transitions import ActorRole
from services.posts import uncertain_posts


@dataclass(frozen=True)
class ResolutionCase:
    """What an admin is asked about. Amounts in minor units, times aware."""

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
    known_message_id: int | None
    ends_at: datetime | None
    last_error: str | None
    unseen: bool
    """Of a live post: whether nobody can see if it is there."""

    @property
    def uncertain(self) -> bool:
        """Whether nobody knows if it went out."""
        return self.job_status is PostJobStatus.UNCERTAIN

    @property
    def undecided(self) -> bool:
        """Whether it went out, nobody sees if it stayed, and the money is still held."""
        return (
            self.job_status is PostJobStatus.SUCCESS
            and self.escrow_status is EscrowStatus.HELD
            and self.unseen
        )


async def get_case(session: AsyncSession, *, target_id: int) -> ResolutionCase:
    """Return one post as an admin is asked about it. Raises NotFound."""
    found = (
        await session.execute(
            select(
                PostJob,
                Campaign,
                Channel,
                CampaignTarget.price,
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
    if found is None:
        raise errors.NotFound("target", target_id)
    job, campaign, channel, price, escrow, unseen = found
    return ResolutionCase(
        target_id=target_id,
        claim_no=job.claim_no,
        campaign_name=campaign.name,
        channel_title=channel.title,
        channel_username=channel.username,
        chat_id=channel.chat_id,
        creative=creatives.readable(campaign.creative),
        price=price,
        job_status=job.status,
        escrow_status=escrow.status,
        message_id=job.message_id,
        known_message_id=job.known_message_id,
        ends_at=escrow.release_due_at,
        last_error=job.last_error,
        unseen=bool(unseen),
    )


async def is_candidate(session: AsyncSession, *, target_id: int, message_id: int) -> bool:
    """Tell whether an uncertain post may be at an id: above what was known, and no other post's."""
    other = aliased(PostJob)
    found = await session.scalar(
        select(PostJob.id).where(
            PostJob.campaign_target_id == target_id,
            func.coalesce(PostJob.known_message_id, 0) < message_id,
            ~exists().where(other.channel_id == PostJob.channel_id, other.message_id == message_id),
        )
    )
    return found is not None


async def confirm_published(
    session: AsyncSession, *, actor: Actor, target_id: int, claim_no: int, message_id: int
) -> bool:
    """Decide that an uncertain post is there; the caller has seen with Telegram that it is.

    Its promised hours run from now. Locks the placement. Raises AccessDenied, OwnMoney, NotFound,
    PostNotProven for an id from before the send or of another post.
    """
    who, placement, job = await _decidable(
        session, actor, target_id, "resolution_confirm_published"
    )
    if _is_old(job, claim_no, PostJobStatus.UNCERTAIN):
        return False
    _require(job, PostJobStatus.SUCCESS, who)
    candidate = await is_candidate(session, target_id=target_id, message_id=message_id)
    if not candidate or not await uncertain_posts.mark_published(
        session, placement, message_id=message_id
    ):
        raise errors.PostNotProven(target_id, "another_post")
    await _audit(session, actor, who, "resolution_confirm_published", job, message_id=message_id)
    return True


async def confirm_absent(
    session: AsyncSession, *, actor: Actor, target_id: int, claim_no: int
) -> bool:
    """Decide that an uncertain post is not there: it is sent, or cancelled with its campaign.

    Costs no attempt. Locks the placement. Raises AccessDenied, OwnMoney, NotFound.
    """
    who, placement, job = await _decidable(session, actor, target_id, "resolution_confirm_absent")
    if _is_old(job, claim_no, PostJobStatus.UNCERTAIN):
        return False
    cancelled = placement.campaign.status is CampaignStatus.CANCELLED
    wanted = PostJobStatus.CANCELLED if cancelled else PostJobStatus.QUEUED
    _require(job, wanted, who)
    job.status, job.first_absent_at = wanted, None
    job.due_at = job.updated_at = await queries.now(session)
    await session.flush()
    await _audit(session, actor, who, "resolution_confirm_absent", job)
    return True


async def decide_refund(
    session: AsyncSession, *, actor: Actor, target_id: int, claim_no: int
) -> bool:
    """Decide for the advertiser: an uncertain or unseen post has failed, and the clock refunds it.

    Locks the placement. Raises AccessDenied, OwnMoney, NotFound.
    """
    who, placement, job = await _decidable(session, actor, target_id, "resolution_decide_refund")
    uncertain = not _is_old(job, claim_no, PostJobStatus.UNCERTAIN)
    if not uncertain and not await _is_unseen(session, placement, job, claim_no):
        return False
    _require(job, PostJobStatus.FAILED, who)
    job.status, job.last_error = PostJobStatus.FAILED, "refunded by an admin"
    job.updated_at = await queries.now(session)
    await session.flush()
    await _audit(session, actor, who, "resolution_decide_refund", job)
    return True


async def decide_release(
    session: AsyncSession, *, actor: Actor, target_id: int, claim_no: int
) -> bool:
    """Decide for the owner: somebody has seen that the post stayed, and the clock pays for it.

    Only once its promised hours are over. Locks the placement. Raises AccessDenied, OwnMoney,
    NotFound, PostNotProven.
    """
    who, placement, job = await _decidable(session, actor, target_id, "resolution_decide_release")
    if not await _is_unseen(session, placement, job, claim_no):
        return False
    moment = await queries.now(session)
    if queries.required(queries.required(placement.escrow).release_due_at) > moment:
        raise errors.PostNotProven(target_id, "promised_hours")
    session.add(
        PostCheck(
            post_job_id=job.id,
            verdict=Verdict.PRESENT,
            evidence="an admin has seen it",
            checked_at=moment,
        )
    )
    job.next_check_at = None
    await session.flush()
    await _audit(session, actor, who, "resolution_decide_release", job)
    return True


async def postpone(session: AsyncSession, *, actor: Actor, target_id: int, claim_no: int) -> bool:
    """Decide to go on looking; the admins are asked again after a day. Locks the placement."""
    who, placement, job = await _decidable(session, actor, target_id, "resolution_postpone")
    if not await _is_unseen(session, placement, job, claim_no):
        return False
    job.escalate_at = await queries.now(session) + uncertain_posts.ESCALATION_INTERVAL
    await session.flush()
    await _audit(session, actor, who, "resolution_postpone", job)
    return True


async def _decidable(
    session: AsyncSession, actor: Actor, target_id: int, action: str
) -> tuple[ActorRole, queries.Placement, PostJob]:
    """Lock a placement with a post on which the actor may decide."""
    role = actor.require_staff(*MODERATORS, action=action)
    placement = await queries.lock_placement(session, target_id)
    if placement is None or placement.job is None:
        raise errors.NotFound("target", target_id)
    if actor.user_id in {placement.campaign.advertiser_id, placement.target.owner_id}:
        raise errors.OwnMoney(target_id)
    return ActorRole(role.value), placement, placement.job


def _is_old(job: PostJob, claim_no: int, status: PostJobStatus) -> bool:
    return job.claim_no != claim_no or job.status is not status


async def _is_unseen(
    session: AsyncSession, placement: queries.Placement, job: PostJob, claim_no: int
) -> bool:
    """Tell whether the live post of the card is still one that nobody sees."""
    if _is_old(job, claim_no, PostJobStatus.SUCCESS):
        return False
    if queries.required(placement.escrow).status is not EscrowStatus.HELD:
        return False
    found = await session.scalar(
        select(PostJob.id)
        .join(Channel, Channel.id == PostJob.channel_id)
        .where(PostJob.id == job.id, uncertain_posts.is_unverifiable())
    )
    return found is not None


def _require(job: PostJob, wanted: PostJobStatus, who: ActorRole) -> None:
    transitions.require(
        transitions.POST_JOB, "post_job", job.id, status=job.status, wanted=wanted, role=who
    )


async def _audit(
    session: AsyncSession, actor: Actor, who: ActorRole, action: str, job: PostJob, **facts: int
) -> None:
    await audit.record(
        session,
        actor=actor,
        action=action,
        role=who,
        post_job_id=job.id,
        target_id=job.campaign_target_id,
        **facts,
    )
