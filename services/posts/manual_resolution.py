"""Let admins decide about posts that the bot cannot judge or whose owner broke a promise.

If the post job has changed since the admins were asked, a decision changes nothing.
"""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

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
from services.posts import post_candidates, uncertain_posts

STATEMENT_VALID = timedelta(hours=72)
"""An admin's statement that a post is published is valid for this time."""
REASON_LIMIT = 500


async def confirm_published(
    session: AsyncSession,
    *,
    actor: Actor,
    target_id: int,
    claim_no: int,
    message_ids: Sequence[int],
) -> bool:
    """Record an admin's decision that an uncertain post is published. Start the promised hours.

    The caller must have found all messages of the post through Telegram: `message_ids`, those of an
    album in the order of its items. Returns False if the job has changed since
    the admins were asked. Locks the placement, its post job and its escrow, then the channel.
    Raises AccessDenied, OwnMoney, NotFound; PostNotProven if the message id is too low or belongs
    to another post.
    """
    role, placement, job = await _lock_for_decision(
        session, actor, target_id, "resolution_confirm_published"
    )
    if _is_outdated(job, claim_no, PostJobStatus.UNCERTAIN):
        return False
    _require_move(job, PostJobStatus.SUCCESS, role)
    await post_candidates.require(session, target_id, message_ids)
    if not await uncertain_posts.mark_published(session, placement, message_ids=message_ids):
        raise errors.PostNotProven(target_id, "another_post")
    await _audit(
        session, actor, role, "resolution_confirm_published", job, message_id=message_ids[0]
    )
    return True


async def state_published(
    session: AsyncSession, *, actor: Actor, target_id: int, claim_no: int, message_id: int
) -> bool:
    """Record an admin's statement that an uncertain post has this message id, or begins there.

    An album is stated with its first message; the others are those of `post_candidates`. The second
    admin with the same statement within STATEMENT_VALID marks the post as published. Returns False
    if the job has changed since the admins were asked. Locks the placement, its post job and its
    escrow, then the channel. Raises AccessDenied, OwnMoney, NotFound; PostNotProven if a message id
    is too low or belongs to another post.
    """
    role, placement, job = await _lock_for_decision(
        session, actor, target_id, "resolution_state_published"
    )
    if _is_outdated(job, claim_no, PostJobStatus.UNCERTAIN):
        return False
    _require_move(job, PostJobStatus.SUCCESS, role)
    message_ids = post_candidates.stated_ids(message_id, placement.creative)
    await post_candidates.require(session, target_id, message_ids)
    statement = await _state(session, actor, role, job, message_id)
    if await _another_admin_agrees(session, statement):
        await uncertain_posts.mark_published(session, placement, message_ids=message_ids)
        await _audit(
            session, actor, role, "resolution_confirm_published", job, message_id=message_id
        )
    return True


async def _state(
    session: AsyncSession, actor: Actor, role: ActorRole, job: PostJob, message_id: int
) -> PublicationStatement:
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
    """Return whether another unblocked admin made the same statement within STATEMENT_VALID.

    `conditions` limit the statements that count.
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

    Queues the post again, or cancels the post of a cancelled campaign. Returns False if the job has
    changed since the admins were asked. Locks the placement, its post job and its escrow. Raises
    AccessDenied, OwnMoney, NotFound.
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
    """Record an admin's decision that the advertiser gets the money back, and notify the owner.

    The post job fails, and the scheduler refunds the escrow. Returns False if the job has changed
    since the admins were asked. Locks the placement, its post job and its escrow. Raises
    AccessDenied, OwnMoney, NotFound.
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
    session: AsyncSession,
    *,
    actor: Actor,
    target_id: int,
    claim_no: int,
    reason: str | None = None,
    probe: str | None = None,
) -> bool:
    """Record an admin's decision that the owner is paid for a post that the admin has seen.

    If no check ever found the post, two admins must decide this within STATEMENT_VALID, the second
    one with a `reason`. `probe` is what Telegram said about the link of the post at that time. A
    recorded breach no longer counts. Returns False if the job has changed since the admins were
    asked. Locks the placement, its post job and its escrow. Raises AccessDenied, OwnMoney,
    NotFound, InvalidText; PostNotProven before the end of the promised hours; ReasonNeeded if the
    second admin gave no reason.
    """
    facts = _facts(reason, probe)
    role, placement, job = await _lock_for_decision(
        session, actor, target_id, "resolution_decide_release"
    )
    if not await _is_still_unverifiable(session, placement, job, claim_no):
        return False
    moment = await queries.now(session)
    ended_at = queries.required(queries.required(placement.escrow).release_due_at)
    if ended_at > moment:
        raise errors.PostNotProven(target_id, "promised_hours")
    if not await _was_ever_seen(session, job):
        statement = await _state(session, actor, role, job, queries.required(job.message_id))
        # Earlier statements only say that the post was published, not that it stayed.
        later = PublicationStatement.created_at > ended_at
        if not await _another_admin_agrees(session, statement, later):
            return True
        if "reason" not in facts:
            raise errors.ReasonNeeded(target_id)
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
    await _audit(session, actor, role, "resolution_decide_release", job, **facts)
    return True


def _facts(reason: str | None, probe: str | None) -> dict[str, audit.Fact]:
    """Return what the audit row keeps about a reason and a probe. Raises InvalidText."""
    reason = (reason or "").strip()
    if len(reason) > REASON_LIMIT:
        raise errors.InvalidText("reason", REASON_LIMIT, len(reason))
    return {name: value for name, value in (("reason", reason), ("probe", probe)) if value}


async def _was_ever_seen(session: AsyncSession, job: PostJob) -> bool:
    """Return whether a check of the bot has found the post unchanged since its publication.

    A post that was removed and published again is another one (`PostJob.removed_message_id`).
    """
    check_id = await session.scalar(
        select(PostCheck.id)
        .where(
            PostCheck.post_job_id == job.id,
            PostCheck.checked_at >= queries.required(job.sent_at),
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
    """Record an admin's decision that a breach does not count, and notify both sides.

    If the bot still lacks its rights after ESCALATION_INTERVAL, a new breach is recorded. Returns
    False if the job has changed since the admins were asked. Locks the placement, its post job and
    its escrow. Raises AccessDenied, OwnMoney, NotFound.
    """
    role, placement, job = await _lock_for_decision(
        session, actor, target_id, "resolution_dismiss_breach"
    )
    if not _has_open_breach(placement, job, claim_no):
        return False
    job.breach = job.breach_refund_at = None
    job.escalate_at = await queries.now(session) + uncertain_posts.ESCALATION_INTERVAL
    await session.flush()
    for receiver, user_id in (
        ("owner", placement.target.owner_id),
        ("advertiser", placement.campaign.advertiser_id),
    ):
        payload = {"target_id": target_id, "to": receiver}
        await outbox.add(session, user_id=user_id, kind="breach_dismissed", payload=payload)
    await _audit(session, actor, role, "resolution_dismiss_breach", job)
    return True


async def postpone(session: AsyncSession, *, actor: Actor, target_id: int, claim_no: int) -> bool:
    """Record an admin's decision to wait, and ask the admins again after ESCALATION_INTERVAL.

    Returns False if the job has changed since the admins were asked. Locks the placement, its post
    job and its escrow. Raises AccessDenied, OwnMoney, NotFound.
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
    """Lock a placement. Return the actor's role, the placement and its post job."""
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
    return (
        not _is_outdated(job, claim_no, PostJobStatus.SUCCESS)
        and queries.required(placement.escrow).status is EscrowStatus.HELD
        and job.breach is not None
    )


async def _is_still_unverifiable(
    session: AsyncSession, placement: queries.LockedPlacement, job: PostJob, claim_no: int
) -> bool:
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
    transitions.require(
        transitions.POST_JOB, "post_job", job.id, status=job.status, wanted=new_status, role=role
    )


async def _audit(
    session: AsyncSession,
    actor: Actor,
    role: ActorRole,
    action: str,
    job: PostJob,
    **facts: audit.Fact,
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
