"""Looks at live posts: is the ad there, as it was promised, until its hours are over?

A post is looked at once at a random time in each part of its promised hours, and once at the end.
What is planned stands in the job itself, so that it survives restarts and any process may do it.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import NamedTuple

from sqlalchemy import ColumnElement, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.campaigns import Campaign, CampaignTarget, Channel, ChannelStatus
from db.models.money import Escrow, EscrowStatus
from db.models.posting import PostCheck, PostJob, PostJobStatus, Verdict
from services.market import channels, creatives
from services.market.creatives import Creative
from services.platform import audit, errors, outbox
from services.platform.actors import SYSTEM

RECHECK_INTERVAL = timedelta(minutes=5)
"""Between two looks at one post: "gone" counts when two of them, this far apart, agree."""
CHECK_INTERVAL = timedelta(hours=6)
MAX_CHECKS = 24
"""Random looks at one post: one in each LOOK_EVERY of its hours, fewer for long ones."""
ESCALATION_DELAY = timedelta(hours=1)
"""So long after the end nobody may know whether a post stayed; then the admins are asked."""

_random = random.SystemRandom()


@dataclass(frozen=True)
class PostCheckTask:
    """A post to look at."""

    job_id: int
    target_id: int
    chat_id: int
    message_id: int
    creative: Creative
    taken_at: datetime
    """By the database's clock: what is seen afterwards was so at this time or later."""


def next_check_time(sent_at: datetime, ends_at: datetime, after: datetime) -> datetime:
    """Choose when to look next: at random within the next part of the hours, or at their end.

    An owner who takes the ad down between two looks must not be able to know when they are.
    """
    hours = ends_at - sent_at
    parts = min(max(hours // CHECK_INTERVAL, 1), MAX_CHECKS)
    part = hours / parts
    number = ceil((after - sent_at) / part) if part else parts
    if number >= parts:
        return ends_at
    return sent_at + part * (number + _random.random())


class CheckSchedule(NamedTuple):
    """When what happens to a post that is out."""

    sent_at: datetime
    ends_at: datetime
    """The end of its promised hours."""
    next_check_at: datetime | None
    escalate_at: datetime


def schedule(moment: datetime, promised_hours: int) -> CheckSchedule:
    """Plan the life of a post that is out since a moment."""
    ends_at = moment + timedelta(hours=promised_hours)
    next_check_at = next_check_time(moment, ends_at, moment) if promised_hours else None
    return CheckSchedule(moment, ends_at, next_check_at, ends_at + ESCALATION_DELAY)


async def start_promised_hours(
    session: AsyncSession, placement: queries.Placement, *, message_id: int
) -> None:
    """Let the promised hours of a post run that is out from now on; advertiser and owner are told.

    The caller has locked the placement and recorded the success. Locks the escrow, the channel.
    """
    target = placement.target
    moment = await queries.now(session)
    hours = schedule(moment, target.promised_hours)
    await session.execute(
        update(Escrow)
        .where(Escrow.campaign_target_id == target.id, Escrow.status == EscrowStatus.HELD)
        .values(release_due_at=hours.ends_at)
    )
    await session.execute(
        update(PostJob)
        .where(PostJob.campaign_target_id == target.id)
        .values(
            sent_at=moment,
            first_absent_at=None,
            next_check_at=hours.next_check_at,
            escalate_at=hours.escalate_at,
        )
    )
    await channels.note_message(session, chat_id=placement.channel.chat_id, message_id=message_id)
    for person, user_id in (
        ("advertiser", placement.campaign.advertiser_id),
        ("owner", target.owner_id),
    ):
        await outbox.add(
            session,
            user_id=user_id,
            kind="post_published",
            payload={"target_id": target.id, "message_id": message_id, "to": person},
            key=f"post_published:{target.id}:{person}",
        )


def is_channel_accessible() -> ColumnElement[bool]:
    """Tell of a channel in a query whether the bot may act there; a blocked owner's still is."""
    return or_(
        Channel.status != ChannelStatus.SUSPENDED, Channel.status_reason.in_(channels.STILL_SEEN)
    )


async def take_due(session: AsyncSession, *, limit: int) -> Sequence[PostCheckTask]:
    """Take posts whose look is due; who dies over one leaves it to others after LOOK_AGAIN.

    Posts wait in channels where the bot has lost its rights. Skips what another process takes.
    """
    due = (
        select(PostJob.id)
        .join(CampaignTarget, CampaignTarget.id == PostJob.campaign_target_id)
        .join(Channel, Channel.id == PostJob.channel_id)
        .where(
            PostJob.status == PostJobStatus.SUCCESS,
            PostJob.next_check_at <= func.clock(),
            CampaignTarget.promised_hours > 0,
            is_channel_accessible(),
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
            Campaign.id == CampaignTarget.campaign_id,
            CampaignTarget.id == PostJob.campaign_target_id,
            Channel.id == PostJob.channel_id,
        )
        .values(next_check_at=func.clock() + RECHECK_INTERVAL)
        .returning(
            PostJob.id,
            PostJob.campaign_target_id,
            Channel.chat_id,
            PostJob.message_id,
            Campaign.creative,
            func.clock(),
        )
        .execution_options(synchronize_session=False)
    )
    looks = []
    for job_id, target_id, chat_id, message_id, stored, taken_at in taken:
        creative = creatives.readable(stored)
        if creative is not None:
            looks.append(PostCheckTask(job_id, target_id, chat_id, message_id, creative, taken_at))
    return looks


async def record_check(
    session: AsyncSession,
    *,
    job_id: int,
    verdict: Verdict,
    evidence: str,
    taken_at: datetime | None = None,
    compared: bool = True,
) -> None:
    """Record what a look found. A second "gone", LOOK_AGAIN after the first, fails the post.

    The clock then refunds it; owner and advertiser are told. Unknown never moves money, nor does
    what proves nothing (`_proven`). A "present" proves the time at which the look was taken
    (default: now): who was paused over a look must not prove the end of the hours with what was
    there before. `compared`: the text was looked at as well, which it is not while posting is
    stopped. Locks the target, the job, the escrow; a post that is not live any more is left alone.
    """
    target_id = await session.scalar(select(PostJob.campaign_target_id).where(PostJob.id == job_id))
    if target_id is None:
        raise errors.NotFound("post_job", job_id)
    placement = queries.required(await queries.lock_placement(session, target_id))
    job, escrow = queries.required(placement.job), queries.required(placement.escrow)
    if job.status is not PostJobStatus.SUCCESS or escrow.status is not EscrowStatus.HELD:
        return
    gone_before = verdict is Verdict.GONE and await _gone_before(session, job_id)
    moment = await queries.now(session)
    if verdict is Verdict.PRESENT and taken_at is not None:
        moment = taken_at
    if not _proven(escrow, verdict, moment, compared=compared, gone_before=gone_before):
        verdict, evidence = Verdict.UNKNOWN, f"{verdict}, which proves nothing now: {evidence}"
    await session.execute(
        insert(PostCheck).values(
            post_job_id=job_id, verdict=verdict, evidence=evidence, checked_at=moment
        )
    )
    await audit.record(
        session,
        actor=SYSTEM,
        action=f"post_{verdict}",
        role="system",
        post_job_id=job_id,
        target_id=target_id,
    )
    job.next_check_at = _after(job, escrow, verdict, moment)
    await session.flush()
    if not gone_before:
        return
    job.status = PostJobStatus.FAILED
    job.last_error = "removed"
    job.updated_at = await queries.now(session)
    await session.flush()
    for person, user_id in (
        ("owner", placement.target.owner_id),
        ("advertiser", placement.campaign.advertiser_id),
    ):
        await outbox.add(
            session,
            user_id=user_id,
            kind="post_gone",
            payload={"target_id": target_id, "to": person},
            key=f"post_gone:{target_id}:{person}",
        )


def _proven(
    escrow: Escrow, verdict: Verdict, moment: datetime, *, compared: bool, gone_before: bool
) -> bool:
    """Tell whether a verdict may count for what it is.

    At the end nobody is paid for a text that was not compared. And what is first seen to be gone
    when its hours have long been over, because nobody could look before, may have stayed for all of
    them: its owner was free to take it down.
    """
    if verdict is Verdict.PRESENT:
        return compared or not _over(escrow, moment)
    if verdict is Verdict.GONE:
        return gone_before or not _over(escrow, moment - RECHECK_INTERVAL)
    return True


def _over(escrow: Escrow, moment: datetime) -> bool:
    """Tell whether the promised hours were over at a moment."""
    return moment >= queries.required(escrow.release_due_at)


def _after(job: PostJob, escrow: Escrow, verdict: Verdict, moment: datetime) -> datetime | None:
    """When to look again after this verdict; None once the post is proven to have stayed."""
    if verdict is not Verdict.PRESENT:
        return moment + RECHECK_INTERVAL
    if _over(escrow, moment):
        return None
    ends_at = queries.required(escrow.release_due_at)
    return next_check_time(queries.required(job.sent_at), ends_at, moment)


async def _gone_before(session: AsyncSession, job_id: int) -> bool:
    """Tell whether the last look, LOOK_AGAIN ago or more, found the post gone as well."""
    last = (
        await session.execute(
            select(PostCheck.verdict, PostCheck.checked_at <= func.clock() - RECHECK_INTERVAL)
            .where(PostCheck.post_job_id == job_id)
            .order_by(PostCheck.checked_at.desc(), PostCheck.id.desc())
            .limit(1)
        )
    ).one_or_none()
    return last is not None and last[0] is Verdict.GONE and bool(last[1])
