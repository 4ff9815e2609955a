"""Posts of which nobody knows whether they are out: looked for, and asked about when that fails.

Posts in one channel go one at a time and every earlier id is known, so a post of the bot's own
above the id that was known right before the send is the one. An unknown never moves money and
never sends: it takes a find, or two looks in vain some minutes apart, or a person.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.campaigns import Campaign, CampaignStatus, CampaignTarget, Channel
from db.models.money import Escrow
from db.models.posting import PostCheck, PostJob, PostJobStatus, Verdict
from services.market import channels, creatives
from services.market.creatives import Creative
from services.platform import audit, outbox
from services.platform.actors import SYSTEM
from services.posts import posting, rescue, verification

SEARCH_INTERVAL = timedelta(minutes=1)
"""After a look that found out nothing, or a process that died over one."""
ESCALATION_INTERVAL = timedelta(hours=24)
"""A card that nobody has answered is sent again after this."""


@dataclass(frozen=True)
class UncertainPost:
    """An uncertain post to look for."""

    job_id: int
    claim_no: int
    target_id: int
    chat_id: int
    creative: Creative
    known_message_id: int
    """The post is above this id."""
    last_message_id: int
    """The highest id known in the channel by now; it may be below the post's."""
    taken_at: datetime
    """By the database's clock: the look began at this time or later."""

    @property
    def heard(self) -> bool:
        """Tell whether an id of the channel is known; a look in vain proves nothing without one.

        Then it began at 1, and its own id may be above any number of deleted ones.
        """
        return self.last_message_id > 0


async def take_due(session: AsyncSession, *, limit: int) -> Sequence[UncertainPost]:
    """Take uncertain posts that are due to be looked for.

    Who dies over one leaves it to others after LOOK_AGAIN. Left to the admins are those of
    channels where the bot has lost its rights, and those sent before it was known after what.
    """
    due = (
        select(PostJob.id)
        .join(Channel, Channel.id == PostJob.channel_id)
        .where(
            PostJob.status == PostJobStatus.UNCERTAIN,
            PostJob.next_check_at <= func.clock(),
            PostJob.known_message_id.is_not(None),
            verification.is_channel_accessible(),
        )
        .order_by(PostJob.next_check_at)
        .limit(limit)
        .with_for_update(of=PostJob, skip_locked=True)
        .cte("due")
    )
    taken = await session.execute(
        update(PostJob)
        .where(
            PostJob.id == due.c.id,
            CampaignTarget.id == PostJob.campaign_target_id,
            Campaign.id == CampaignTarget.campaign_id,
            Channel.id == PostJob.channel_id,
        )
        .values(next_check_at=func.clock() + SEARCH_INTERVAL)
        .returning(
            PostJob.id,
            PostJob.claim_no,
            PostJob.campaign_target_id,
            Channel.chat_id,
            Campaign.creative,
            PostJob.known_message_id,
            Channel.last_message_id,
            func.clock(),
        )
        .execution_options(synchronize_session=False)
    )
    doubts = []
    for job_id, claim_no, target_id, chat_id, stored, known, last, taken_at in taken:
        creative = creatives.readable(stored)
        if creative is not None and known is not None:
            doubts.append(
                UncertainPost(job_id, claim_no, target_id, chat_id, creative, known, last, taken_at)
            )
    return doubts


async def record_found(session: AsyncSession, doubt: UncertainPost, *, message_id: int) -> bool:
    """Record that the post is out: its promised hours run from now, when it is known to be there.

    From the find and not from the send, whose time nobody knows: so the advertiser never gets
    less than was promised. False when it is no doubt any more, or the id is another post's.
    """
    placement = await _still_uncertain(session, doubt.target_id, doubt.claim_no)
    if placement is None or not await mark_published(session, placement, message_id=message_id):
        return False
    await _audit(session, doubt, "post_found", message_id=message_id)
    return True


async def record_absent(
    session: AsyncSession, doubt: UncertainPost, *, gap: timedelta, seen_up_to: int
) -> bool:
    """Record a look in vain; the second, `gap` after the first, queues the post again.

    That costs an attempt, and after the last one it has failed; a cancelled campaign's post is
    cancelled. `seen_up_to` is the highest id that was there. False when it is no doubt any more.
    In a channel of which no id is known a look in vain is one that found out nothing.
    """
    if not doubt.heard:
        return await record_unknown(session, doubt, seen_up_to=seen_up_to)
    placement = await _still_uncertain(session, doubt.target_id, doubt.claim_no)
    if placement is None or placement.job is None:
        return False
    job = placement.job
    moment = await queries.now(session)
    await _note(session, doubt, seen_up_to)
    await _audit(session, doubt, "post_absent")
    if job.first_absent_at is None:
        job.first_absent_at, job.next_check_at = moment, moment + gap
    elif job.first_absent_at + gap > doubt.taken_at:
        # Also what was looked for before, by somebody who was paused over it.
        job.next_check_at = job.first_absent_at + gap
    else:
        await _send_again(session, placement, job)
    await session.flush()
    return True


async def record_unknown(session: AsyncSession, doubt: UncertainPost, *, seen_up_to: int) -> bool:
    """Record a look that proved nothing: it moves nothing, and is repeated after LOOK_AGAIN.

    `seen_up_to` is the highest id that was there. False when it is no doubt any more.
    """
    if await _still_uncertain(session, doubt.target_id, doubt.claim_no) is None:
        return False
    await _note(session, doubt, seen_up_to)
    return True


async def mark_published(
    session: AsyncSession, placement: queries.Placement, *, message_id: int
) -> bool:
    """Make an uncertain post of a locked placement a success; False if the id is another post's."""
    job = placement.job
    taken = await session.scalar(
        select(PostJob.id).where(
            PostJob.channel_id == placement.channel.id, PostJob.message_id == message_id
        )
    )
    if job is None or taken is not None:
        return False
    job.status, job.message_id, job.last_error = PostJobStatus.SUCCESS, message_id, None
    job.updated_at = await queries.now(session)
    await session.flush()
    await verification.start_promised_hours(session, placement, message_id=message_id)
    return True


def is_unverifiable() -> ColumnElement[bool]:
    """Tell of a live post and its channel in a query whether nobody can see if it is there."""
    last_verdict = (
        select(PostCheck.verdict)
        .where(PostCheck.post_job_id == PostJob.id)
        .order_by(PostCheck.checked_at.desc(), PostCheck.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    ends_at = (
        select(Escrow.release_due_at)
        .where(Escrow.campaign_target_id == PostJob.campaign_target_id)
        .correlate(PostJob)
        .scalar_subquery()
    )
    over = ends_at + verification.ESCALATION_DELAY <= func.clock()
    return or_(
        ~verification.is_channel_accessible(),
        last_verdict == Verdict.UNKNOWN,
        # Somebody alters it again after each time that it was put right.
        (last_verdict == Verdict.ALTERED) & over,
    )


async def escalate_due(session: AsyncSession, *, limit: int) -> int:
    """Send the admins a card for each post of which nobody knows for too long; return how many.

    A tick. Which: uncertain for DOUBT_LASTS; live, and its last look after the end told nothing
    for UNSEEN_LASTS; or the bot has been without its rights in the channel for RIGHTS_GRACE.
    """
    due = (
        select(PostJob.id)
        .join(CampaignTarget, CampaignTarget.id == PostJob.campaign_target_id)
        .join(Channel, Channel.id == PostJob.channel_id)
        .where(
            PostJob.escalate_at <= func.clock(),
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
    asked = await session.execute(
        update(PostJob)
        .where(PostJob.id == due.c.id)
        .values(escalate_at=func.clock() + ESCALATION_INTERVAL)
        .returning(PostJob.campaign_target_id, PostJob.status)
        .execution_options(synchronize_session=False)
    )
    rows = asked.all()
    for row in rows:
        uncertain = row.status is PostJobStatus.UNCERTAIN
        payload = {"target_id": row.campaign_target_id}
        if uncertain:
            await outbox.add(session, user_id=None, kind="post_uncertain", payload=payload)
        else:
            await outbox.add(session, user_id=None, kind="post_unseen", payload=payload)
    return len(rows)


async def _still_uncertain(
    session: AsyncSession, target_id: int, claim_no: int
) -> queries.Placement | None:
    """Lock a placement; None when its post is not the doubt any more that was looked into."""
    placement = await queries.lock_placement(session, target_id)
    if placement is None or placement.job is None:
        return None
    job = placement.job
    if job.status is not PostJobStatus.UNCERTAIN or job.claim_no != claim_no:
        return None
    return placement


async def _note(session: AsyncSession, doubt: UncertainPost, seen_up_to: int) -> None:
    """Keep the highest id that a look has seen, unless it began where nothing was known."""
    if doubt.heard:
        await channels.note_message(session, chat_id=doubt.chat_id, message_id=seen_up_to)


async def _send_again(session: AsyncSession, placement: queries.Placement, job: PostJob) -> None:
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


async def _audit(session: AsyncSession, doubt: UncertainPost, action: str, **facts: int) -> None:
    await audit.record(
        session,
        actor=SYSTEM,
        action=action,
        role="system",
        post_job_id=doubt.job_id,
        target_id=doubt.target_id,
        **facts,
    )
