"""Let admins decide about escalated posts. The bot has asked the admins about these posts.

There are three kinds of escalated posts. An uncertain post is a post that Telegram may or may not
have published. An unverifiable post is published and its escrow is held, but no check can prove
that the post is still there. The third kind is a published post with a breach: its owner has broken
a promise about it (`services.posts.breaches`).

Each function for a decision gets `claim_no`, the number of the job's claim at the time of the
question. A claim is the right of one process to send the post. If the job has another claim or
status now, the question is outdated, for example because another admin has answered it. The
function then changes nothing and returns False.
"""

from datetime import timedelta

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from db import queries
from db.models.campaigns import CampaignStatus, Channel
from db.models.money import Escrow, EscrowStatus
from db.models.posting import (
    SEEN_BY_ADMIN,
    PostCheck,
    PostJob,
    PostJobStatus,
    PublicationStatement,
    Verdict,
)
from db.models.users import User, UserRole
from services.platform import audit, errors, outbox, transitions
from services.platform.actors import MODERATORS, Actor
from services.platform.transitions import ActorRole
from services.posts import uncertain_posts

STATEMENT_VALID = timedelta(hours=72)
"""An admin's statement that a post is published is valid for this time."""


async def is_candidate(session: AsyncSession, *, target_id: int, message_id: int) -> bool:
    """Return whether a message id can be the id of an uncertain post.

    Telegram may or may not have published an uncertain post. The id must be above the highest
    message id that was known before the send. It must not belong to another post.
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
    """Record an admin's decision that an uncertain post is published.

    The caller must have found the post with the help of Telegram. The promised hours (the time that
    the post must stay) start now. Returns False and changes nothing if the job has changed since
    the admins were asked. Locks the placement, its post job and its escrow, then the channel.
    Raises AccessDenied, OwnMoney, NotFound. Raises PostNotProven if the message id is not above the
    ids that were known before the send. Raises PostNotProven too if the id belongs to another post.
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


async def state_published(
    session: AsyncSession, *, actor: Actor, target_id: int, claim_no: int, message_id: int
) -> bool:
    """Record an admin's statement that an uncertain post is at a message id of its channel.

    If another admin has made the same statement within STATEMENT_VALID, the post is marked as
    published. That other person must still be an admin. Returns False and records nothing if the
    job has changed since the admins were asked. Locks the placement, its post job and its escrow,
    then the channel. Raises AccessDenied, OwnMoney, NotFound. Raises PostNotProven if the message
    id belongs to another post or is too low.
    """
    role, placement, job = await _lock_for_decision(
        session, actor, target_id, "resolution_state_published"
    )
    if _is_outdated(job, claim_no, PostJobStatus.UNCERTAIN):
        return False
    _require_move(job, PostJobStatus.SUCCESS, role)
    if not await is_candidate(session, target_id=target_id, message_id=message_id):
        raise errors.PostNotProven(target_id, "another_post")
    statement = await _state(session, actor, role, job, message_id)
    if await _another_admin_agrees(session, statement):
        await uncertain_posts.mark_published(session, placement, message_id=message_id)
        await _audit(
            session, actor, role, "resolution_confirm_published", job, message_id=message_id
        )
    return True


async def _state(
    session: AsyncSession, actor: Actor, role: ActorRole, job: PostJob, message_id: int
) -> PublicationStatement:
    """Record an admin's statement that a post is at a message id. Return the statement."""
    statement = PublicationStatement(
        post_job_id=job.id,
        claim_no=job.claim_no,
        message_id=message_id,
        stated_by=actor.require_user(action="resolution_state_published"),
    )
    session.add(statement)
    await session.flush()
    await _audit(session, actor, role, "resolution_state_published", job, message_id=message_id)
    return statement


async def _another_admin_agrees(
    session: AsyncSession, statement: PublicationStatement, *conditions: ColumnElement[bool]
) -> bool:
    """Return whether another person made the same statement within STATEMENT_VALID.

    The other person must be an admin now, and must not be blocked. The other statement must meet
    the conditions.
    """
    other_id = await session.scalar(
        select(PublicationStatement.id)
        .where(
            PublicationStatement.post_job_id == statement.post_job_id,
            PublicationStatement.claim_no == statement.claim_no,
            PublicationStatement.message_id == statement.message_id,
            PublicationStatement.stated_by != statement.stated_by,
            PublicationStatement.created_at > func.clock() - STATEMENT_VALID,
            *conditions,
            exists().where(
                UserRole.user_id == PublicationStatement.stated_by,
                UserRole.role.in_(MODERATORS),
                User.id == UserRole.user_id,
                User.blocked.is_(False),
            ),
        )
        .limit(1)
    )
    return other_id is not None


async def confirm_absent(
    session: AsyncSession, *, actor: Actor, target_id: int, claim_no: int
) -> bool:
    """Record an admin's decision that an uncertain post is not in the channel.

    The post is queued again. If its campaign is cancelled, the post is cancelled instead. The
    number of attempts to send the post does not change. Returns False and changes nothing if the
    job has changed since the admins were asked. Locks the placement, its post job and its escrow.
    Raises AccessDenied, OwnMoney, NotFound.
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
    """Record an admin's decision that the advertiser gets the money back. The post job fails.

    This is possible for three kinds of posts. Telegram may or may not have published an uncertain
    post. No check can prove that an unverifiable post is there. A post has a breach if its owner
    has broken a promise about it. The owner is notified. The scheduler refunds the escrow later.
    Returns False and changes nothing if the job has changed since the admins were asked. Locks the
    placement, its post job and its escrow. Raises AccessDenied, OwnMoney, NotFound.
    """
    role, placement, job = await _lock_for_decision(
        session, actor, target_id, "resolution_decide_refund"
    )
    refundable = (
        not _is_outdated(job, claim_no, PostJobStatus.UNCERTAIN)
        or _has_open_breach(placement, job, claim_no)
        or await _is_still_unverifiable(session, placement, job, claim_no)
    )
    if not refundable:
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
    """Record an admin's decision that the owner is paid, because the admin has seen the post.

    An admin can decide this about an unverifiable post: no check can prove that the post is there.
    If no check has ever found the post, two admins have to make this decision within
    STATEMENT_VALID. The decision of the first admin is then only recorded. After the decision, a
    breach (a broken promise of the owner) does not count any more, and the scheduler pays the
    owner.

    Returns False and changes nothing if the job has changed since the admins were asked. Locks the
    placement, its post job and its escrow. Raises AccessDenied, OwnMoney, NotFound. Raises
    PostNotProven if the promised hours (the time that the post must stay) are not over.
    """
    role, placement, job = await _lock_for_decision(
        session, actor, target_id, "resolution_decide_release"
    )
    if not await _is_still_unverifiable(session, placement, job, claim_no):
        return False
    moment = await queries.now(session)
    if queries.required(queries.required(placement.escrow).release_due_at) > moment:
        raise errors.PostNotProven(target_id, "promised_hours")
    if not await _was_ever_seen(session, job):
        statement = await _state(session, actor, role, job, queries.required(job.message_id))
        # Statements from before the publication only say that the post was in the channel then.
        later = PublicationStatement.created_at > queries.required(job.sent_at)
        if not await _another_admin_agrees(session, statement, later):
            return True
    session.add(
        PostCheck(
            post_job_id=job.id,
            verdict=Verdict.PRESENT,
            evidence=SEEN_BY_ADMIN,
            checked_at=moment,
        )
    )
    job.next_check_at = job.breach = job.breach_refund_at = None
    await session.flush()
    await _audit(session, actor, role, "resolution_decide_release", job)
    return True


async def _was_ever_seen(session: AsyncSession, job: PostJob) -> bool:
    """Return whether a check of the bot has ever found the post unchanged."""
    check_id = await session.scalar(
        select(PostCheck.id)
        .where(
            PostCheck.post_job_id == job.id,
            PostCheck.verdict.in_((Verdict.PRESENT, Verdict.STAYED)),
            PostCheck.compared,
            PostCheck.evidence != SEEN_BY_ADMIN,
        )
        .limit(1)
    )
    return check_id is not None


async def dismiss_breach(
    session: AsyncSession, *, actor: Actor, target_id: int, claim_no: int
) -> bool:
    """Record an admin's decision that a breach does not count.

    A breach is a broken promise of the owner. From now on, the checks decide again whether the
    owner is paid. If the bot still lacks its rights in the channel after ESCALATION_INTERVAL, the
    breach is recorded again. Returns False and changes nothing if the job has changed since the
    admins were asked. Locks the placement, its post job and its escrow. Raises AccessDenied,
    OwnMoney, NotFound.
    """
    role, placement, job = await _lock_for_decision(
        session, actor, target_id, "resolution_dismiss_breach"
    )
    if not _has_open_breach(placement, job, claim_no):
        return False
    job.breach = job.breach_refund_at = None
    job.escalate_at = await queries.now(session) + uncertain_posts.ESCALATION_INTERVAL
    await session.flush()
    await _audit(session, actor, role, "resolution_dismiss_breach", job)
    return True


async def postpone(session: AsyncSession, *, actor: Actor, target_id: int, claim_no: int) -> bool:
    """Record an admin's decision to wait. The admins are asked again after ESCALATION_INTERVAL.

    The question is about an unverifiable post: no check can prove that the post is there. The
    checks of the post continue. Returns False and changes nothing if the job has changed since the
    admins were asked. Locks the placement, its post job and its escrow. Raises AccessDenied,
    OwnMoney, NotFound.
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
) -> tuple[ActorRole, queries.LockedPlacement, PostJob]:
    """Lock a placement, because the actor decides about its post.

    Returns three values: the actor's role, the placement and its post job. Raises AccessDenied,
    NotFound. Raises OwnMoney if the actor is the advertiser or the owner of the placement.
    """
    role = actor.require_staff(*MODERATORS, action=action)
    placement = await queries.lock_placement(session, target_id)
    if placement is None or placement.job is None:
        raise errors.NotFound("target", target_id)
    if actor.user_id in {placement.campaign.advertiser_id, placement.target.owner_id}:
        raise errors.OwnMoney(target_id)
    return ActorRole(role.value), placement, placement.job


def _is_outdated(job: PostJob, claim_no: int, status: PostJobStatus) -> bool:
    """Return whether a job's claim or status has changed since the admins were asked."""
    return job.claim_no != claim_no or job.status is not status


def _has_open_breach(placement: queries.LockedPlacement, job: PostJob, claim_no: int) -> bool:
    """Return whether a published post has a breach (a broken promise) and a held escrow."""
    return (
        not _is_outdated(job, claim_no, PostJobStatus.SUCCESS)
        and queries.required(placement.escrow).status is EscrowStatus.HELD
        and job.breach is not None
    )


async def _is_still_unverifiable(
    session: AsyncSession, placement: queries.LockedPlacement, job: PostJob, claim_no: int
) -> bool:
    """Return whether no check can prove that a published post is there, and its escrow is held."""
    if _is_outdated(job, claim_no, PostJobStatus.SUCCESS):
        return False
    if queries.required(placement.escrow).status is not EscrowStatus.HELD:
        return False
    job_id = await session.scalar(
        select(PostJob.id)
        .join(Channel, Channel.id == PostJob.channel_id)
        .join(Escrow, Escrow.campaign_target_id == PostJob.campaign_target_id)
        .where(PostJob.id == job.id, uncertain_posts.is_unverifiable())
    )
    return job_id is not None


def _require_move(job: PostJob, new_status: PostJobStatus, role: ActorRole) -> None:
    """Raise InvalidMove if this role may not change the status of a job to `new_status`."""
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
