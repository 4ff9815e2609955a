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
from services import audit, creatives, doubts, errors, lifecycle
from services.actors import MODERATORS, Actor
from services.creatives import Creative
from services.lifecycle import Who


@dataclass(frozen=True)
class Case:
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


async def case(session: AsyncSession, *, target_id: int) -> Case:
    """Return one post as an admin is asked about it. Raises NotFound."""
    found = (
        await session.execute(
            select(PostJob, Campaign, Channel, CampaignTarget.price, Escrow, doubts.unseen())
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
    return Case(
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


async def there(
    session: AsyncSession, *, actor: Actor, target_id: int, claim_no: int, message_id: int
) -> bool:
    """Decide that an uncertain post is there; the caller has seen with Telegram that it is.

    Its promised hours run from now. Locks the placement. Raises AccessDenied, OwnMoney, NotFound,
    PostNotProven for an id from before the send or of another post.
    """
    who, placement, job = await _decidable(session, actor, target_id, "doubt_there")
    if _is_old(job, claim_no, PostJobStatus.UNCERTAIN):
        return False
    _require(job, PostJobStatus.SUCCESS, who)
    candidate = await is_candidate(session, target_id=target_id, message_id=message_id)
    if not candidate or not await doubts.settle(session, placement, message_id=message_id):
        raise errors.PostNotProven(target_id, "another_post")
    await _audit(session, actor, who, "doubt_there", job, message_id=message_id)
    return True


async def absent(session: AsyncSession, *, actor: Actor, target_id: int, claim_no: int) -> bool:
    """Decide that an uncertain post is not there: it is sent, or cancelled with its campaign.

    Costs no attempt. Locks the placement. Raises AccessDenied, OwnMoney, NotFound.
    """
    who, placement, job = await _decidable(session, actor, target_id, "doubt_absent")
    if _is_old(job, claim_no, PostJobStatus.UNCERTAIN):
        return False
    cancelled = placement.campaign.status is CampaignStatus.CANCELLED
    wanted = PostJobStatus.CANCELLED if cancelled else PostJobStatus.QUEUED
    _require(job, wanted, who)
    job.status, job.absent_at = wanted, None
    job.due_at = job.updated_at = await queries.now(session)
    await session.flush()
    await _audit(session, actor, who, "doubt_absent", job)
    return True


async def refund(session: AsyncSession, *, actor: Actor, target_id: int, claim_no: int) -> bool:
    """Decide for the advertiser: an uncertain or unseen post has failed, and the clock refunds it.

    Locks the placement. Raises AccessDenied, OwnMoney, NotFound.
    """
    who, placement, job = await _decidable(session, actor, target_id, "doubt_refund")
    uncertain = not _is_old(job, claim_no, PostJobStatus.UNCERTAIN)
    if not uncertain and not await _is_unseen(session, placement, job, claim_no):
        return False
    _require(job, PostJobStatus.FAILED, who)
    job.status, job.last_error = PostJobStatus.FAILED, "refunded by an admin"
    job.updated_at = await queries.now(session)
    await session.flush()
    await _audit(session, actor, who, "doubt_refund", job)
    return True


async def release(session: AsyncSession, *, actor: Actor, target_id: int, claim_no: int) -> bool:
    """Decide for the owner: somebody has seen that the post stayed, and the clock pays for it.

    Only once its promised hours are over. Locks the placement. Raises AccessDenied, OwnMoney,
    NotFound, PostNotProven.
    """
    who, placement, job = await _decidable(session, actor, target_id, "doubt_release")
    if not await _is_unseen(session, placement, job, claim_no):
        return False
    moment = await queries.now(session)
    if queries.certain(queries.certain(placement.escrow).release_due_at) > moment:
        raise errors.PostNotProven(target_id, "promised_hours")
    session.add(
        PostCheck(
            post_job_id=job.id,
            verdict=Verdict.PRESENT,
            evidence="an admin has seen it",
            checked_at=moment,
        )
    )
    job.look_due_at = None
    await session.flush()
    await _audit(session, actor, who, "doubt_release", job)
    return True


async def wait(session: AsyncSession, *, actor: Actor, target_id: int, claim_no: int) -> bool:
    """Decide to go on looking; the admins are asked again after a day. Locks the placement."""
    who, placement, job = await _decidable(session, actor, target_id, "doubt_wait")
    if not await _is_unseen(session, placement, job, claim_no):
        return False
    job.card_due_at = await queries.now(session) + doubts.ASK_AGAIN
    await session.flush()
    await _audit(session, actor, who, "doubt_wait", job)
    return True


async def _decidable(
    session: AsyncSession, actor: Actor, target_id: int, action: str
) -> tuple[Who, queries.Placement, PostJob]:
    """Lock a placement with a post on which the actor may decide."""
    role = actor.require_staff(*MODERATORS, action=action)
    placement = await queries.lock_placement(session, target_id)
    if placement is None or placement.job is None:
        raise errors.NotFound("target", target_id)
    if actor.user_id in {placement.campaign.advertiser_id, placement.target.owner_id}:
        raise errors.OwnMoney(target_id)
    return Who(role.value), placement, placement.job


def _is_old(job: PostJob, claim_no: int, status: PostJobStatus) -> bool:
    return job.claim_no != claim_no or job.status is not status


async def _is_unseen(
    session: AsyncSession, placement: queries.Placement, job: PostJob, claim_no: int
) -> bool:
    """Tell whether the live post of the card is still one that nobody sees."""
    if _is_old(job, claim_no, PostJobStatus.SUCCESS):
        return False
    if queries.certain(placement.escrow).status is not EscrowStatus.HELD:
        return False
    found = await session.scalar(
        select(PostJob.id)
        .join(Channel, Channel.id == PostJob.channel_id)
        .where(PostJob.id == job.id, doubts.unseen())
    )
    return found is not None


def _require(job: PostJob, wanted: PostJobStatus, who: Who) -> None:
    lifecycle.require(
        lifecycle.POST_JOB, "post_job", job.id, status=job.status, wanted=wanted, who=who
    )


async def _audit(
    session: AsyncSession, actor: Actor, who: Who, action: str, job: PostJob, **facts: int
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
