"""Plan the checks of published posts, and record the results of the checks.

A check finds out whether the ad is in the channel and unchanged. A live post is a published post
whose escrow is still held. Each live post is checked one time at a random moment in each part of
its promised hours, and one time at the end of these hours. The time of the next check is stored in
the post job, so that the time survives restarts and any process may make the check.
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
"""If a check did not find the post present, the next check follows after this time.

A post counts as gone after two checks with the verdict "gone". The second check must be at least
this long after the first.
"""
CHECK_INTERVAL = timedelta(hours=6)
"""If the promised hours are longer than this, they are divided into parts of at least this length.

Each part has one random check. Promised hours that are not divided also have one random check.
"""
MAX_CHECKS = 24
"""The largest number of parts. If a post has many promised hours, its parts are longer."""
ESCALATION_DELAY = timedelta(hours=1)
"""If checks cannot verify a post this long after its promised hours, the admins are asked."""

_random = random.SystemRandom()


@dataclass(frozen=True)
class PostCheckTask:
    """A live post that this process has claimed for one check."""

    job_id: int
    target_id: int
    chat_id: int
    message_id: int
    creative: Creative
    claimed_at: datetime
    """The time of the claim, by the database's clock. The check begins at this time or later."""


def next_check_time(sent_at: datetime, ends_at: datetime, after: datetime) -> datetime:
    """Choose the time of a post's next check.

    This is a random moment in the next part of the promised hours, or the end of these hours. The
    moment is random, so that an owner cannot remove the ad between two checks at known times.
    """
    hours = ends_at - sent_at
    parts = min(max(hours // CHECK_INTERVAL, 1), MAX_CHECKS)
    part = hours / parts
    number = ceil((after - sent_at) / part) if part else parts
    if number >= parts:
        return ends_at
    return sent_at + part * (number + _random.random())


class CheckSchedule(NamedTuple):
    """The times at which a post is checked, and at which the admins are asked about the post."""

    sent_at: datetime
    ends_at: datetime
    """The end of the promised hours."""
    next_check_at: datetime | None
    """The time of the first check, or None if no hours were promised."""
    escalate_at: datetime


def schedule(moment: datetime, promised_hours: int) -> CheckSchedule:
    """Plan the checks of a post that was published at this moment."""
    ends_at = moment + timedelta(hours=promised_hours)
    next_check_at = next_check_time(moment, ends_at, moment) if promised_hours else None
    return CheckSchedule(moment, ends_at, next_check_at, ends_at + ESCALATION_DELAY)


async def start_promised_hours(
    session: AsyncSession, placement: queries.Placement, *, message_id: int
) -> None:
    """Start the promised hours of a published post, and notify its advertiser and its owner.

    The caller must have locked the placement and recorded the success. Locks the escrow, then the
    channel.
    """
    target = placement.target
    moment = await queries.now(session)
    plan = schedule(moment, target.promised_hours)
    await session.execute(
        update(Escrow)
        .where(Escrow.campaign_target_id == target.id, Escrow.status == EscrowStatus.HELD)
        .values(release_due_at=plan.ends_at)
    )
    await session.execute(
        update(PostJob)
        .where(PostJob.campaign_target_id == target.id)
        .values(
            sent_at=moment,
            first_absent_at=None,
            next_check_at=plan.next_check_at,
            escalate_at=plan.escalate_at,
        )
    )
    await channels.record_message_id(
        session, chat_id=placement.channel.chat_id, message_id=message_id
    )
    for party, user_id in (
        ("advertiser", placement.campaign.advertiser_id),
        ("owner", target.owner_id),
    ):
        await outbox.add(
            session,
            user_id=user_id,
            kind="post_published",
            payload={"target_id": target.id, "message_id": message_id, "to": party},
            key=f"post_published:{target.id}:{party}",
        )


def is_channel_accessible() -> ColumnElement[bool]:
    """Build the SQL condition: the bot has its rights in a channel.

    If a channel is suspended because its owner is blocked, the bot still has its rights. The
    caller's query must select from `channels`.
    """
    return or_(
        Channel.status != ChannelStatus.SUSPENDED,
        Channel.status_reason.in_(channels.REASONS_WITH_ACCESS),
    )


async def claim_due(session: AsyncSession, *, limit: int) -> Sequence[PostCheckTask]:
    """Claim up to `limit` live posts whose next check is due.

    The posts with the oldest due time are claimed first. If the process dies during a check,
    another process claims the post after RECHECK_INTERVAL. Posts in channels in which the bot has
    lost its rights are not claimed. Locks the jobs, and skips those that another process is
    claiming.
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
    claimed = await session.execute(
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
    tasks = []
    for job_id, target_id, chat_id, message_id, stored, claimed_at in claimed:
        creative = creatives.read_or_none(stored)
        if creative is not None:
            tasks.append(
                PostCheckTask(job_id, target_id, chat_id, message_id, creative, claimed_at)
            )
    return tasks


async def record_check(
    session: AsyncSession,
    *,
    job_id: int,
    verdict: Verdict,
    evidence: str,
    claimed_at: datetime | None = None,
    compared: bool = True,
) -> None:
    """Record the verdict of a check; a second "gone", RECHECK_INTERVAL later, fails the post.

    The scheduler refunds a failed post, and the post's owner and advertiser are notified. The
    verdict "unknown" never moves money. A verdict that is no proof (`_is_proof`) is recorded as
    "unknown". The verdict "present" proves only that the post was there at `claimed_at` (default:
    now). A process may be paused during a check, and its old result must not prove the end of the
    hours. `compared` is False if the text was not compared, which is the case while posting is
    stopped. If the post is not live any more, nothing is changed. Locks the target (the placement),
    its job and its escrow. Raises NotFound.
    """
    target_id = await session.scalar(select(PostJob.campaign_target_id).where(PostJob.id == job_id))
    if target_id is None:
        raise errors.NotFound("post_job", job_id)
    placement = queries.required(await queries.lock_placement(session, target_id))
    job, escrow = queries.required(placement.job), queries.required(placement.escrow)
    if job.status is not PostJobStatus.SUCCESS or escrow.status is not EscrowStatus.HELD:
        return
    gone_before = verdict is Verdict.GONE and await _was_gone_before(session, job_id)
    moment = await queries.now(session)
    if verdict is Verdict.PRESENT and claimed_at is not None:
        moment = claimed_at
    if not _is_proof(escrow, verdict, moment, compared=compared, gone_before=gone_before):
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
    job.next_check_at = _next_check_after(job, escrow, verdict, moment)
    await session.flush()
    if not gone_before:
        return
    job.status = PostJobStatus.FAILED
    job.last_error = "removed"
    job.updated_at = await queries.now(session)
    await session.flush()
    for party, user_id in (
        ("owner", placement.target.owner_id),
        ("advertiser", placement.campaign.advertiser_id),
    ):
        await outbox.add(
            session,
            user_id=user_id,
            kind="post_gone",
            payload={"target_id": target_id, "to": party},
            key=f"post_gone:{target_id}:{party}",
        )


def _is_proof(
    escrow: Escrow, verdict: Verdict, moment: datetime, *, compared: bool, gone_before: bool
) -> bool:
    """Return whether a verdict is a proof.

    At the end of the promised hours, the verdict "present" is a proof only if the text was
    compared. A first "gone" is no proof if it comes RECHECK_INTERVAL or more after the end of the
    hours. In this case nobody could check the post before. The post may have stayed for all hours,
    and after the hours its owner may remove the post.
    """
    if verdict is Verdict.PRESENT:
        return compared or not _hours_are_over(escrow, moment)
    if verdict is Verdict.GONE:
        return gone_before or not _hours_are_over(escrow, moment - RECHECK_INTERVAL)
    return True


def _hours_are_over(escrow: Escrow, moment: datetime) -> bool:
    """Return whether the promised hours were over at a moment."""
    return moment >= queries.required(escrow.release_due_at)


def _next_check_after(
    job: PostJob, escrow: Escrow, verdict: Verdict, moment: datetime
) -> datetime | None:
    """Return the time of the next check, or None if it is proven that the post stayed."""
    if verdict is not Verdict.PRESENT:
        return moment + RECHECK_INTERVAL
    if _hours_are_over(escrow, moment):
        return None
    ends_at = queries.required(escrow.release_due_at)
    return next_check_time(queries.required(job.sent_at), ends_at, moment)


async def _was_gone_before(session: AsyncSession, job_id: int) -> bool:
    """Return whether the last check was RECHECK_INTERVAL or more ago and found the post gone."""
    last = (
        await session.execute(
            select(PostCheck.verdict, PostCheck.checked_at <= func.clock() - RECHECK_INTERVAL)
            .where(PostCheck.post_job_id == job_id)
            .order_by(PostCheck.checked_at.desc(), PostCheck.id.desc())
            .limit(1)
        )
    ).one_or_none()
    return last is not None and last[0] is Verdict.GONE and bool(last[1])
