"""Search for posts whose send has an unknown outcome, and ask the admins about them.

Posts in a channel are sent one after the other. Therefore the id of a searched post is above all
ids that were known before its send.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    any_,
    exists,
    func,
    literal,
    or_,
    select,
    text,
    true,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from db import queries
from db.models.campaigns import CampaignStatus, CampaignTarget, Channel
from db.models.money import Escrow
from db.models.posting import Breach, PostCheck, PostJob, PostJobStatus, Verdict
from services.market import channels, escalations, newest_messages
from services.market.creatives import Creative
from services.platform import audit, outbox
from services.platform.actors import SYSTEM
from services.posts import breaches, due_jobs, posting, rescue, verification

SEARCH_INTERVAL = timedelta(minutes=1)
"""If a search proved nothing or its process died, the next search begins after this time."""
ESCALATION_INTERVAL = timedelta(hours=24)
"""The time after which the admins are asked again about a post without a decision."""
_NO_IDS = text("'{}'")
"""The `other_message_ids` of a post that is no album, as the index `ix_post_jobs_albums` has it."""


@dataclass(frozen=True)
class UncertainPost:
    """An uncertain post that this process has claimed for one search."""

    job_id: int
    claim_no: int
    target_id: int
    chat_id: int
    creative: Creative
    known_message_id: int
    """The highest message id that was known before the send. The post's id is higher."""
    last_message_id: int
    """The highest message id that is known in the channel now. The post's id can be higher."""
    claimed_at: datetime
    """The database's time of the claim. The search begins at this time or later."""
    restored: bool = False
    """Whether a backup was restored since the post was queued. The search then covers more ids."""
    ids_of_others: frozenset[int] = frozenset()
    """The ids above `known_message_id` of other jobs' posts in this channel."""

    @property
    def has_known_id(self) -> bool:
        """Whether a message id of the channel is known. If not, a search cannot prove absence."""
        return self.last_message_id > 0


async def claim_due(session: AsyncSession, *, limit: int) -> Sequence[UncertainPost]:
    """Claim up to `limit` uncertain posts whose next search is due.

    After SEARCH_INTERVAL, another process can claim the posts. A post without a `known_message_id`
    is left to the admins. Locks the jobs as `due_jobs.claim` does.
    """
    jobs = await due_jobs.claim(
        session,
        PostJob.status == PostJobStatus.UNCERTAIN,
        PostJob.known_message_id.is_not(None),
        repeat_after=SEARCH_INTERVAL,
        columns=[
            PostJob.claim_no,
            PostJob.known_message_id,
            Channel.last_message_id,
            PostJob.search_above.is_not(None),
            func.array(_ids_of_others().scalar_subquery()),
        ],
        limit=limit,
    )
    posts = []
    for job in jobs:
        claim_no, known, last, restored, others = job.more
        posts.append(
            UncertainPost(
                job.job_id,
                claim_no,
                job.target_id,
                job.chat_id,
                job.creative,
                known,
                last,
                job.claimed_at,
                restored,
                frozenset(others),
            )
        )
    return posts


def _ids_of_others() -> Select[int]:
    """Select the ids above `known_message_id` of the messages of the channel's other posts."""
    other = aliased(PostJob)
    ids = (
        func.unnest(func.array_append(other.other_message_ids, other.message_id))
        .table_valued("id")
        .render_derived()
    )
    return (
        select(ids.c.id)
        .select_from(other)
        .join(ids, true())
        .where(
            other.channel_id == PostJob.channel_id,
            or_(
                other.message_id > PostJob.known_message_id,
                other.other_message_ids != _NO_IDS,
            ),
            ids.c.id > PostJob.known_message_id,
        )
        .correlate(PostJob)
    )


def is_of_another_post(message_id: int, *, channel_id: Any) -> ColumnElement[bool]:
    """Build the SQL condition that a message of a channel belongs to a recorded post.

    `channel_id` is a number or an expression of the caller's query.
    """
    other, album = aliased(PostJob), aliased(PostJob)
    return or_(
        exists().where(other.channel_id == channel_id, other.message_id == message_id),
        exists().where(
            album.channel_id == channel_id,
            album.other_message_ids != _NO_IDS,
            literal(message_id) == any_(album.other_message_ids),
        ),
    )


async def record_found(
    session: AsyncSession, post: UncertainPost, *, message_ids: Sequence[int]
) -> bool:
    """Record that a search found all messages of the post, and start the promised hours.

    Returns False if the job is no longer uncertain, or if a message id belongs to another post.
    Locks the placement, its post job and its escrow, then the channel.
    """
    placement = await _lock_uncertain(session, post.target_id, post.claim_no)
    if placement is None or not await mark_published(session, placement, message_ids=message_ids):
        return False
    await _audit(session, post, "post_found", message_id=message_ids[0])
    return True


async def record_absent(
    session: AsyncSession, post: UncertainPost, *, gap: timedelta, highest_seen_id: int
) -> bool:
    """Record that a search found no post. Return False if the job is no longer uncertain.

    Two such searches, at least `gap` apart, prove that the post is absent. The post is then queued
    again. The job fails after the last attempt, and a job of a cancelled campaign is cancelled.
    `highest_seen_id` is the highest message id that the search found. Locks the placement, its post
    job and its escrow, then the channel.
    """
    if not post.has_known_id:
        return await record_unknown(session, post, highest_seen_id=highest_seen_id)
    placement = await _lock_uncertain(session, post.target_id, post.claim_no)
    if placement is None or placement.job is None:
        return False
    job = placement.job
    moment = await queries.now(session)
    await _note_message(session, post, highest_seen_id)
    await _audit(session, post, "post_absent")
    if job.first_absent_at is None:
        job.first_absent_at, job.next_check_at = moment, moment + gap
    elif job.first_absent_at + gap > post.claimed_at:
        # This branch also applies to a search that began before the first result was recorded, in a
        # process that was paused during the search.
        job.next_check_at = job.first_absent_at + gap
    else:
        await _send_again(session, placement, job)
    await session.flush()
    return True


async def record_unknown(
    session: AsyncSession,
    post: UncertainPost,
    *,
    highest_seen_id: int,
    searched_upto: int | None = None,
) -> bool:
    """Record a search that proved nothing. Return False if the job is no longer uncertain.

    `highest_seen_id` is the highest message id that the search found. If the messages up to
    `searched_upto` are certainly those of others, the next search begins there. Locks the
    placement, its post job and its escrow, then the channel.
    """
    placement = await _lock_uncertain(session, post.target_id, post.claim_no)
    if placement is None or placement.job is None:
        return False
    if searched_upto is not None:
        placement.job.known_message_id = searched_upto
        await session.flush()
    await _note_message(session, post, highest_seen_id)
    return True


async def mark_published(
    session: AsyncSession, placement: queries.LockedPlacement, *, message_ids: Sequence[int]
) -> bool:
    """Mark an uncertain post as published, and start the promised hours.

    `message_ids` are those of the post's messages, in the order of an album's items. Returns False
    if one belongs to another post. The caller must have locked the placement. Locks the channel.
    """
    job = placement.job
    for message_id in message_ids:
        if await session.scalar(
            select(is_of_another_post(message_id, channel_id=placement.channel.id))
        ):
            return False
    if job is None:
        return False
    job.status, job.last_error = PostJobStatus.SUCCESS, None
    job.message_id, job.other_message_ids = message_ids[0], list(message_ids[1:])
    job.updated_at = await queries.now(session)
    await session.flush()
    await verification.start_promised_hours(session, placement, message_ids=message_ids)
    return True


def is_unverifiable() -> ColumnElement[bool]:
    """Build the SQL condition that no check can prove a published post to be unchanged.

    Either the bot has lost its rights in the channel, or the last result is unclear
    `verification.ESCALATION_DELAY` after the promised hours. The caller's query must select from
    `post_jobs`, `escrows` and `channels`.
    """
    last_verdict = (
        select(PostCheck.verdict)
        .where(PostCheck.post_job_id == PostJob.id)
        .order_by(PostCheck.checked_at.desc(), PostCheck.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    over = Escrow.release_due_at + verification.ESCALATION_DELAY <= func.clock()
    unclear = last_verdict.in_([Verdict.UNKNOWN, Verdict.ALTERED])
    return or_(~channels.is_accessible(), unclear & over)


async def escalate_due(session: AsyncSession, *, limit: int) -> int:
    """Ask the admins about up to `limit` posts whose `escalate_at` has passed. Return how many.

    If the bot lost its rights during the promised hours, a breach is recorded, and the admins are
    asked once. About other posts, the admins are asked again after ESCALATION_INTERVAL. Locks the
    jobs, and skips those that another transaction has locked.
    """
    await _plan_questions_about_lock_outs(session)
    due = (
        select(PostJob.id)
        .join(CampaignTarget, CampaignTarget.id == PostJob.campaign_target_id)
        .join(Channel, Channel.id == PostJob.channel_id)
        .join(Escrow, Escrow.campaign_target_id == PostJob.campaign_target_id)
        .where(
            PostJob.escalate_at <= func.clock(),
            PostJob.breach.is_(None),
            ~PostJob.settled,
            or_(
                PostJob.status == PostJobStatus.UNCERTAIN,
                (PostJob.status == PostJobStatus.SUCCESS)
                & (CampaignTarget.promised_hours > 0)
                & is_unverifiable(),
            ),
        )
        .order_by(PostJob.escalate_at)
        .limit(limit)
        .with_for_update(of=PostJob, skip_locked=True)
        .cte("due")
    )
    escalated = await session.execute(
        update(PostJob)
        .where(
            PostJob.id == due.c.id,
            Channel.id == PostJob.channel_id,
            Escrow.campaign_target_id == PostJob.campaign_target_id,
        )
        .values(escalate_at=func.clock() + ESCALATION_INTERVAL)
        .returning(
            PostJob.id,
            PostJob.campaign_target_id,
            PostJob.status,
            breaches.is_locked_out().label("locked_out"),
        )
        .execution_options(synchronize_session=False)
    )
    rows = escalated.all()
    for row in rows:
        payload = {"target_id": row.campaign_target_id}
        if row.status is PostJobStatus.UNCERTAIN:
            await outbox.add(session, user_id=None, kind="post_uncertain", payload=payload)
        elif row.locked_out:
            await breaches.record(session, [row.id], Breach.LOCKED_OUT)
        else:
            await outbox.add(session, user_id=None, kind="post_unseen", payload=payload)
    return len(rows)


async def _plan_questions_about_lock_outs(session: AsyncSession) -> None:
    """Plan the questions about lock-outs that `channels.record_rights_lost` could not plan.

    In a lock-out, the bot has lost its rights within the promised hours. If the post was then being
    published, or if another transaction had locked its job, the question is still planned for the
    time after the promised hours. Locks the jobs, and skips locked ones.
    """
    begin = func.greatest(Channel.suspended_at, PostJob.sent_at)
    asked_at = begin + escalations.grace(channels.RIGHTS_GRACE)
    missed = (
        select(PostJob.id, asked_at.label("asked_at"))
        .join(CampaignTarget, CampaignTarget.id == PostJob.campaign_target_id)
        .join(Channel, Channel.id == PostJob.channel_id)
        .join(Escrow, Escrow.campaign_target_id == PostJob.campaign_target_id)
        .where(
            PostJob.status == PostJobStatus.SUCCESS,
            ~PostJob.settled,
            PostJob.breach.is_(None),
            PostJob.escalate_at == Escrow.release_due_at + verification.ESCALATION_DELAY,
            PostJob.escalate_at > asked_at,
            breaches.is_locked_out(),
        )
        .with_for_update(of=PostJob, skip_locked=True)
        .cte("missed")
    )
    await session.execute(
        update(PostJob)
        .where(PostJob.id == missed.c.id)
        .values(escalate_at=missed.c.asked_at)
        .execution_options(synchronize_session=False)
    )


async def _lock_uncertain(
    session: AsyncSession, target_id: int, claim_no: int
) -> queries.LockedPlacement | None:
    """Lock a placement. Return None if its job is no longer uncertain or has a new claim."""
    placement = await queries.lock_placement(session, target_id)
    if placement is None or placement.job is None:
        return None
    job = placement.job
    if job.status is not PostJobStatus.UNCERTAIN or job.claim_no != claim_no:
        return None
    return placement


async def _note_message(session: AsyncSession, post: UncertainPost, highest_seen_id: int) -> None:
    if post.has_known_id:
        await newest_messages.record(session, chat_id=post.chat_id, message_id=highest_seen_id)


async def _send_again(
    session: AsyncSession, placement: queries.LockedPlacement, job: PostJob
) -> None:
    """Queue an absent post again. The job fails after too many attempts or lost claims."""
    moment = await queries.now(session)
    job.first_absent_at = None
    job.attempts += 1
    job.due_at = job.updated_at = moment
    if placement.campaign.status is CampaignStatus.CANCELLED:
        job.status = PostJobStatus.CANCELLED
    elif job.attempts >= posting.MAX_ATTEMPTS or job.abandoned >= rescue.MAX_ABANDONED:
        job.status = PostJobStatus.FAILED
        await session.flush()
        await posting.notify_failed(session, placement.target.id, "parked")
    else:
        job.status = PostJobStatus.QUEUED


async def _audit(session: AsyncSession, post: UncertainPost, action: str, **facts: int) -> None:
    await audit.record(
        session,
        actor=SYSTEM,
        action=action,
        role="system",
        post_job_id=post.job_id,
        target_id=post.target_id,
        **facts,
    )
