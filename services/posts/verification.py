"""Plan the checks of published posts, and record the results."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.campaigns import CampaignTarget
from db.models.money import Escrow, EscrowStatus
from db.models.posting import AdPart, Breach, PostCheck, PostJob, PostJobStatus, Verdict
from services.market import newest_messages
from services.market.creatives import Creative
from services.platform import audit, errors, outbox
from services.platform.actors import SYSTEM
from services.posts import (
    alterations,
    breaches,
    check_times,
    due_jobs,
    media_comparison,
    republication,
)

RECHECK_INTERVAL = timedelta(minutes=5)
"""The time to the next check after a check that did not find the post."""
SOONEST_RECHECK = timedelta(minutes=1)
"""The shortest time between a check that found an alteration and the next check."""
WATCH_INTERVAL = timedelta(hours=1)
"""The longest time between two checks of a post that was altered before."""
LATE_CHECK = timedelta(minutes=30)
"""If a check is late by more than this, the time of an alteration is unclear."""
ESCALATION_DELAY = timedelta(hours=1)
"""The admins are asked if the checks have no clear result this long after the promised hours."""

_COMPLETE = or_(PostCheck.compared, PostCheck.verdict != Verdict.PRESENT)


@dataclass(frozen=True)
class PostCheckTask:
    """A published post that this process has claimed for one check."""

    job_id: int
    target_id: int
    chat_id: int
    message_ids: tuple[int, ...]
    """The ids of the post's messages: more than one for an album, in the order of its items."""
    creative: Creative
    claimed_at: datetime
    """The database's time of the claim. The check begins at this time or later."""


class CheckSchedule(NamedTuple):
    """The times of a post's checks and of the question to the admins."""

    sent_at: datetime
    ends_at: datetime
    """The end of the promised hours."""
    next_check_at: datetime | None
    """The time of the first check, or None without promised hours."""
    escalate_at: datetime


def schedule(moment: datetime, promised_hours: int) -> CheckSchedule:
    """Plan the checks of a post whose promised hours begin at `moment`."""
    ends_at = moment + timedelta(hours=promised_hours)
    next_check_at = check_times.next_check_time(moment, ends_at, moment) if promised_hours else None
    return CheckSchedule(moment, ends_at, next_check_at, ends_at + ESCALATION_DELAY)


async def start_promised_hours(
    session: AsyncSession, placement: queries.LockedPlacement, *, message_ids: Sequence[int]
) -> None:
    """Start the promised hours of a published post, and notify its advertiser and its owner.

    `message_ids` are those of the post's messages, the first one first. A complaint tells them
    about a post that is published again (`record_republication`). The caller must have locked the
    placement and set the status of its post job. Locks the escrow, then the channel.
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
    await newest_messages.record(
        session, chat_id=placement.channel.chat_id, message_id=max(message_ids)
    )
    if queries.required(placement.job).removed_message_id is None:
        await _notify_parties(session, placement, "post_published", message_id=message_ids[0])


async def claim_due(session: AsyncSession, *, limit: int) -> Sequence[PostCheckTask]:
    """Claim up to `limit` published posts with a held escrow whose next check is due.

    After RECHECK_INTERVAL, another process can claim the posts; the lost check is recorded as
    "unknown". Locks the jobs as `due_jobs.claim` does.
    """
    jobs = await due_jobs.claim(
        session,
        PostJob.status == PostJobStatus.SUCCESS,
        CampaignTarget.promised_hours > 0,
        repeat_after=RECHECK_INTERVAL,
        columns=[PostJob.message_id, PostJob.other_message_ids],
        limit=limit,
        check_began_at=func.clock(),
    )
    lost = [
        {
            "post_job_id": job.job_id,
            "verdict": Verdict.UNKNOWN,
            "evidence": "the process was gone before it could record this check",
            "checked_at": job.check_began_at,
        }
        for job in jobs
        if job.check_began_at is not None
    ]
    if lost:
        await session.execute(insert(PostCheck), lost)
    return [
        PostCheckTask(
            job.job_id,
            job.target_id,
            job.chat_id,
            (job.more[0], *job.more[1]),
            job.creative,
            job.claimed_at,
        )
        for job in jobs
    ]


async def record_check(
    session: AsyncSession,
    *,
    job_id: int,
    verdict: Verdict,
    evidence: str,
    altered_parts: Collection[AdPart] = (),
    restored: bool = True,
    claimed_at: datetime | None = None,
    compared: bool = True,
    message_id: int | None = None,
) -> None:
    """Record the result of a check, and what follows from the result.

    - "gone": Two such results in a row, at least RECHECK_INTERVAL apart, make the job fail. The
      first one proves nothing after the promised hours. While the owner is asked about a complaint
      and may publish the post again, the job does not fail; the proof lasts
      (`republication.is_proven_gone`).
    - "altered": A second alteration is a breach, and so is an alteration at an unclear time or one
      that the bot could not undo (`restored` is False). Other alterations are reported.
    - "stayed" replaces "gone" and "altered" after the promised hours, if a check saw the post right
      before the end of these hours.
    - "present" proves that the post was there at `claimed_at` (default: now).
    - An edited text with a link preview is reported. It proves nothing, because the previewed page
      may have changed.
    - "unknown" never moves money, and replaces a result that proves nothing.

    `message_id` is the message that was checked (default: the published one). If it is not the
    published one any more, nothing changes. `compared` is False if the text was not compared. A
    verdict "gone" or "altered" after the promised hours counts as "stayed" if a check saw the post
    right before their end. A verdict that proves nothing is recorded as "unknown". Without a held
    escrow, nothing changes. Locks the
    placement, its post job and its escrow. Raises NotFound.
    """
    target_id = await session.scalar(select(PostJob.campaign_target_id).where(PostJob.id == job_id))
    if target_id is None:
        raise errors.NotFound("post_job", job_id)
    placement = queries.required(await queries.lock_placement(session, target_id))
    job, escrow = queries.required(placement.job), queries.required(placement.escrow)
    # A post may have been published again during the check of the removed one.
    is_other = message_id not in {None, job.message_id}
    if (
        job.status is not PostJobStatus.SUCCESS
        or escrow.status is not EscrowStatus.HELD
        or is_other
    ):
        return
    gone_before = verdict is Verdict.GONE and (
        await _was_gone_before(session, job) or await republication.is_proven_gone(session, job)
    )
    moment = await queries.now(session)
    if verdict is Verdict.PRESENT and claimed_at is not None:
        moment = claimed_at
    missed = verdict in {Verdict.GONE, Verdict.ALTERED}
    certain_parts = await media_comparison.certain_parts(
        session, evidence, altered_parts, ad=placement.creative
    )
    if missed and await _has_stayed(session, escrow, job, moment):
        verdict, evidence = Verdict.STAYED, f"{verdict} after the promised hours: {evidence}"
    elif (
        (altered_parts and not certain_parts)
        or await media_comparison.is_doubtful(session, evidence, ad=placement.creative)
        or not _is_proof(escrow, verdict, moment, compared=compared, gone_before=gone_before)
    ):
        verdict, evidence = Verdict.UNKNOWN, f"{verdict}, which proves nothing now: {evidence}"
    altered_before = await _count_alterations(session, job)
    dated = verdict is Verdict.ALTERED and await _is_dated(session, escrow, job, moment)
    await session.execute(
        insert(PostCheck).values(
            post_job_id=job_id,
            verdict=verdict,
            evidence=evidence,
            checked_at=moment,
            altered_parts=certain_parts if verdict is Verdict.ALTERED else [],
            compared=compared,
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
    job.next_check_at = _next_check_after(
        job, escrow, verdict, moment, altered_before=altered_before > 0
    )
    if claimed_at is None or claimed_at == job.check_began_at:
        job.check_began_at = None
    await session.flush()
    if gone_before:
        await _record_removed(session, placement, job)
    elif verdict is Verdict.ALTERED and (altered_before or not dated or not restored):
        await breaches.record(session, [job_id], Breach.ALTERED)
    elif verdict is Verdict.ALTERED or (
        verdict is Verdict.UNKNOWN and AdPart.PREVIEW in altered_parts
    ):
        parts = certain_parts or [*altered_parts] or [AdPart.TEXT]
        await _notify_parties(session, placement, alterations.NOTICE, parts=parts)
        await alterations.notify_admins(session, await queries.now(session))


async def _record_removed(
    session: AsyncSession, placement: queries.LockedPlacement, job: PostJob
) -> None:
    """Mark a job as failed, unless its owner may publish the removed post again."""
    if await republication.is_possible(session, job):
        job.next_check_at = await queries.now(session) + republication.RECHECK_INTERVAL
        await session.flush()
        return
    job.status = PostJobStatus.FAILED
    job.last_error = "removed"
    job.updated_at = await queries.now(session)
    await session.flush()
    await _notify_parties(session, placement, "post_gone")


async def _notify_parties(
    session: AsyncSession, placement: queries.LockedPlacement, kind: str, **facts: Any
) -> None:
    """Notify the owner and the advertiser once about an event of this kind."""
    target_id = placement.target.id
    for party, user_id in (
        ("owner", placement.target.owner_id),
        ("advertiser", placement.campaign.advertiser_id),
    ):
        await outbox.add(
            session,
            user_id=user_id,
            kind=kind,
            payload={"target_id": target_id, "to": party} | facts,
            key=f"{kind}:{target_id}:{party}",
        )


def _is_proof(
    escrow: Escrow, verdict: Verdict, moment: datetime, *, compared: bool, gone_before: bool
) -> bool:
    """Return whether the result of a check proves something."""
    if verdict is Verdict.PRESENT:
        return compared or not _hours_are_over(escrow, moment)
    if verdict is Verdict.GONE:
        # After the promised hours, the owner may delete the post.
        return gone_before or not _hours_are_over(escrow, moment)
    return True


async def _has_stayed(
    session: AsyncSession, escrow: Escrow, job: PostJob, moment: datetime
) -> bool:
    """Return whether the promised hours are over and the post was seen right before their end."""
    if not _hours_are_over(escrow, moment):
        return False
    last = await _last_check(session, job, _COMPLETE, PostCheck.verdict != Verdict.UNKNOWN)
    return (
        last is not None
        and last.verdict is Verdict.PRESENT
        and _hours_are_over(escrow, last.checked_at + check_times.LAST_CHECK)
    )


async def _is_dated(session: AsyncSession, escrow: Escrow, job: PostJob, moment: datetime) -> bool:
    """Return whether an alteration certainly happened between two successive checks."""
    last = await _last_check(session, job, _COMPLETE)
    if last is not None and last.verdict is not Verdict.PRESENT:
        return False
    sent_at, ends_at = queries.required(job.sent_at), queries.required(escrow.release_due_at)
    seen_at = sent_at if last is None else last.checked_at
    return moment <= check_times.latest_next_check(sent_at, ends_at, seen_at) + LATE_CHECK


def _hours_are_over(escrow: Escrow, moment: datetime) -> bool:
    return moment >= queries.required(escrow.release_due_at)


def _next_check_after(
    job: PostJob, escrow: Escrow, verdict: Verdict, moment: datetime, *, altered_before: bool
) -> datetime | None:
    """Return the time of the next check, or None if the post certainly stayed."""
    if verdict is Verdict.STAYED:
        return None
    if verdict is Verdict.ALTERED:
        return moment + _random_wait(RECHECK_INTERVAL)
    if verdict is not Verdict.PRESENT:
        return moment + RECHECK_INTERVAL
    if _hours_are_over(escrow, moment):
        return None
    ends_at = queries.required(escrow.release_due_at)
    planned = check_times.next_check_time(queries.required(job.sent_at), ends_at, moment)
    return min(planned, moment + _random_wait(WATCH_INTERVAL)) if altered_before else planned


def _random_wait(longest: timedelta) -> timedelta:
    return SOONEST_RECHECK + (longest - SOONEST_RECHECK) * check_times.RANDOM.random()


def _of_present_post(job: PostJob) -> ColumnElement[bool]:
    """Build the condition of the checks of a job's present post, without those of a removed one."""
    of_job = PostCheck.post_job_id == job.id
    if job.removed_message_id is None:
        return of_job
    return of_job & (PostCheck.checked_at >= job.sent_at)


async def _last_check(
    session: AsyncSession, job: PostJob, *conditions: ColumnElement[bool]
) -> PostCheck | None:
    last: PostCheck | None = await session.scalar(
        select(PostCheck)
        .where(_of_present_post(job), *conditions)
        .order_by(PostCheck.checked_at.desc(), PostCheck.id.desc())
        .limit(1)
    )
    return last


async def _count_alterations(session: AsyncSession, job: PostJob) -> int:
    count: int | None = await session.scalar(
        select(func.count()).where(_of_present_post(job), PostCheck.verdict == Verdict.ALTERED)
    )
    return count or 0


async def _was_gone_before(session: AsyncSession, job: PostJob) -> bool:
    """Return whether the last check found the post gone at least RECHECK_INTERVAL ago."""
    last = await _last_check(session, job)
    if last is None or last.verdict is not Verdict.GONE:
        return False
    return last.checked_at + RECHECK_INTERVAL <= await queries.now(session)
