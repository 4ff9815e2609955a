"""Let admins decide about escalated posts, that is, posts about which the admins were asked.

There are two kinds. An uncertain post is one that Telegram may or may not have published. An
unverifiable post is published and its escrow is held, but no check can prove that the post is still
there. Every decision has the number of the claim that the job had when the admins were asked. If
the post has changed since then, the decision changes nothing and returns False. For example, the
question is old, or somebody has answered it.
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
from services.platform import audit, errors, outbox, transitions
from services.platform.actors import MODERATORS, Actor
from services.platform.transitions import ActorRole
from services.posts import uncertain_posts


@dataclass(frozen=True)
class ResolutionCase:
    """The facts about an escalated post that an admin needs for a decision.

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
    known_message_id: int | None
    ends_at: datetime | None
    """The end of the promised hours, or None if they have not started."""
    last_error: str | None
    unverifiable: bool
    """For a published post: whether no check can prove that it is still there unchanged."""

    @property
    def uncertain(self) -> bool:
        """Whether the post is uncertain: Telegram may or may not have published it."""
        return self.job_status is PostJobStatus.UNCERTAIN

    @property
    def needs_decision(self) -> bool:
        """Whether the post is published and unverifiable, and its escrow is still held."""
        return (
            self.job_status is PostJobStatus.SUCCESS
            and self.escrow_status is EscrowStatus.HELD
            and self.unverifiable
        )


async def get_case(session: AsyncSession, *, target_id: int) -> ResolutionCase:
    """Return the facts about one post for an admin. Raises NotFound."""
    row = (
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
    if row is None:
        raise errors.NotFound("target", target_id)
    job, campaign, channel, price, escrow, unverifiable = row
    return ResolutionCase(
        target_id=target_id,
        claim_no=job.claim_no,
        campaign_name=campaign.name,
        channel_title=channel.title,
        channel_username=channel.username,
        chat_id=channel.chat_id,
        creative=creatives.read_or_none(campaign.creative),
        price=price,
        job_status=job.status,
        escrow_status=escrow.status,
        message_id=job.message_id,
        known_message_id=job.known_message_id,
        ends_at=escrow.release_due_at,
        last_error=job.last_error,
        unverifiable=bool(unverifiable),
    )


async def is_candidate(session: AsyncSession, *, target_id: int, message_id: int) -> bool:
    """Return whether a message id can be the id of an uncertain post.

    The id must be above the highest id that was known before the send, and must not belong to
    another post.
    """
    other = aliased(PostJob)
    job_id = await session.scalar(
        select(PostJob.id).where(
            PostJob.campaign_target_id == target_id,
            func.coalesce(PostJob.known_message_id, 0) < message_id,
            ~exists().where(other.channel_id == PostJob.channel_id, other.message_id == message_id),
        )
    )
    return job_id is not None


async def confirm_published(
    session: AsyncSession, *, actor: Actor, target_id: int, claim_no: int, message_id: int
) -> bool:
    """Decide that an uncertain post is published.

    The caller must have found the post with the help of Telegram. The promised hours of the post
    start now. Locks the target (the placement), its job and its escrow, then the channel. Raises
    AccessDenied, OwnMoney, NotFound. Raises PostNotProven if the message id is not above the ids
    that were known before the send, or belongs to another post.
    """
    role, placement, job = await _lock_for_decision(
        session, actor, target_id, "resolution_confirm_published"
    )
    if _is_outdated(job, claim_no, PostJobStatus.UNCERTAIN):
        return False
    _require_move(job, PostJobStatus.SUCCESS, role)
    candidate = await is_candidate(session, target_id=target_id, message_id=message_id)
    if not candidate or not await uncertain_posts.mark_published(
        session, placement, message_id=message_id
    ):
        raise errors.PostNotProven(target_id, "another_post")
    await _audit(session, actor, role, "resolution_confirm_published", job, message_id=message_id)
    return True


async def confirm_absent(
    session: AsyncSession, *, actor: Actor, target_id: int, claim_no: int
) -> bool:
    """Decide that an uncertain post is absent.

    The post is queued again, or is cancelled if its campaign is cancelled. The number of attempts
    does not change. Locks the target, its job and its escrow. Raises AccessDenied, OwnMoney,
    NotFound.
    """
    role, placement, job = await _lock_for_decision(
        session, actor, target_id, "resolution_confirm_absent"
    )
    if _is_outdated(job, claim_no, PostJobStatus.UNCERTAIN):
        return False
    cancelled = placement.campaign.status is CampaignStatus.CANCELLED
    new_status = PostJobStatus.CANCELLED if cancelled else PostJobStatus.QUEUED
    _require_move(job, new_status, role)
    job.status, job.first_absent_at = new_status, None
    job.due_at = job.updated_at = await queries.now(session)
    await session.flush()
    await _audit(session, actor, role, "resolution_confirm_absent", job)
    return True


async def decide_refund(
    session: AsyncSession, *, actor: Actor, target_id: int, claim_no: int
) -> bool:
    """Decide for the advertiser: fail an uncertain or unverifiable post, so that it is refunded.

    The scheduler moves the money later, and the owner is told about the decision. Locks the target,
    its job and its escrow. Raises AccessDenied, OwnMoney, NotFound.
    """
    role, placement, job = await _lock_for_decision(
        session, actor, target_id, "resolution_decide_refund"
    )
    uncertain = not _is_outdated(job, claim_no, PostJobStatus.UNCERTAIN)
    if not uncertain and not await _is_still_unverifiable(session, placement, job, claim_no):
        return False
    _require_move(job, PostJobStatus.FAILED, role)
    job.status, job.last_error = PostJobStatus.FAILED, "refunded by an admin"
    job.updated_at = await queries.now(session)
    await session.flush()
    await outbox.add(
        session,
        user_id=placement.target.owner_id,
        kind="refund_decided",
        payload={"target_id": target_id, "to": "owner"},
        key=f"refund_decided:{target_id}",
    )
    await _audit(session, actor, role, "resolution_decide_refund", job)
    return True


async def decide_release(
    session: AsyncSession, *, actor: Actor, target_id: int, claim_no: int
) -> bool:
    """Decide for the owner: record that an admin has seen the post, so that the owner is paid.

    The scheduler moves the money later. Locks the target, its job and its escrow. Raises
    AccessDenied, OwnMoney, NotFound. Raises PostNotProven before the promised hours are over.
    """
    role, placement, job = await _lock_for_decision(
        session, actor, target_id, "resolution_decide_release"
    )
    if not await _is_still_unverifiable(session, placement, job, claim_no):
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
    await _audit(session, actor, role, "resolution_decide_release", job)
    return True


async def postpone(session: AsyncSession, *, actor: Actor, target_id: int, claim_no: int) -> bool:
    """Decide to continue the checks; the admins are asked again after ESCALATION_INTERVAL.

    Locks the target, its job and its escrow. Raises AccessDenied, OwnMoney, NotFound.
    """
    role, placement, job = await _lock_for_decision(
        session, actor, target_id, "resolution_postpone"
    )
    if not await _is_still_unverifiable(session, placement, job, claim_no):
        return False
    job.escalate_at = await queries.now(session) + uncertain_posts.ESCALATION_INTERVAL
    await session.flush()
    await _audit(session, actor, role, "resolution_postpone", job)
    return True


async def _lock_for_decision(
    session: AsyncSession, actor: Actor, target_id: int, action: str
) -> tuple[ActorRole, queries.Placement, PostJob]:
    """Lock a placement about whose post the actor may decide.

    Returns the actor's role, the placement and its job. Raises AccessDenied, NotFound, OwnMoney.
    """
    role = actor.require_staff(*MODERATORS, action=action)
    placement = await queries.lock_placement(session, target_id)
    if placement is None or placement.job is None:
        raise errors.NotFound("target", target_id)
    if actor.user_id in {placement.campaign.advertiser_id, placement.target.owner_id}:
        raise errors.OwnMoney(target_id)
    return ActorRole(role.value), placement, placement.job


def _is_outdated(job: PostJob, claim_no: int, status: PostJobStatus) -> bool:
    """Return whether a job has another claim or status than when the admins were asked."""
    return job.claim_no != claim_no or job.status is not status


async def _is_still_unverifiable(
    session: AsyncSession, placement: queries.Placement, job: PostJob, claim_no: int
) -> bool:
    """Return whether a published post is still unverifiable, and its escrow is still held."""
    if _is_outdated(job, claim_no, PostJobStatus.SUCCESS):
        return False
    if queries.required(placement.escrow).status is not EscrowStatus.HELD:
        return False
    job_id = await session.scalar(
        select(PostJob.id)
        .join(Channel, Channel.id == PostJob.channel_id)
        .where(PostJob.id == job.id, uncertain_posts.is_unverifiable())
    )
    return job_id is not None


def _require_move(job: PostJob, new_status: PostJobStatus, role: ActorRole) -> None:
    """Refuse a move that the transition table does not allow. Raises InvalidMove."""
    transitions.require(
        transitions.POST_JOB, "post_job", job.id, status=job.status, wanted=new_status, role=role
    )


async def _audit(
    session: AsyncSession, actor: Actor, role: ActorRole, action: str, job: PostJob, **facts: int
) -> None:
    await audit.record(
        session,
        actor=actor,
        action=action,
        role=role,
        post_job_id=job.id,
        target_id=job.campaign_target_id,
        **facts,
    )
