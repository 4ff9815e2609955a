"""The one post of a target: claim, send (elsewhere, outside any transaction), record.

Telegram has no idempotency key, so a send whose outcome is unknown is never repeated blindly: the
job is `uncertain`, the escrow stays held, and the post is looked for (`services.doubts`). Every
write of a worker names the claim that it holds; who was paused and wakes up late changes nothing.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import case, func, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.campaigns import Campaign, CampaignTarget, Channel
from db.models.operations import Switch
from db.models.posting import PostJob, PostJobStatus
from services import audit, channels, creatives, killswitches, live_checks, outbox
from services.actors import SYSTEM
from services.creatives import Creative

MAX_ATTEMPTS = 8
MAX_ABANDONED = 5
"""A post whose workers were gone so often is parked: it may be what kills them."""
DOUBT_LASTS = timedelta(minutes=15)
"""After this an uncertain post that nobody has found or missed is the admins' to decide."""
BACKOFF_FIRST = timedelta(seconds=5)
BACKOFF_MOST = timedelta(minutes=10)
RESCUE_BATCH = 100

_CLAIM = text(
    """
    WITH due AS (
        SELECT j.id
        FROM post_jobs j
        JOIN campaign_targets t ON t.id = j.campaign_target_id
        JOIN campaigns c ON c.id = t.campaign_id
        JOIN channels ch ON ch.id = j.channel_id
        WHERE j.status = 'queued' AND j.due_at <= (SELECT clock())
            AND c.status = 'active' AND ch.status IN ('active', 'paused')
            AND ch.owner_id = t.owner_id
            AND NOT EXISTS (
                SELECT FROM post_jobs busy
                WHERE busy.channel_id = j.channel_id AND busy.status IN ('sending', 'uncertain'))
        ORDER BY j.due_at, j.id
        LIMIT 1
        FOR UPDATE OF j SKIP LOCKED
    )
    UPDATE post_jobs j
    SET status = 'sending', claim_no = j.claim_no + 1, unsent_claim_no = j.claim_no + 1,
        lease_owner = :owner, lease_until = now() + :lease, updated_at = clock()
    FROM due WHERE j.id = due.id
    RETURNING j.id, j.claim_no, j.campaign_target_id, j.channel_id, j.attempts
    """
)


@dataclass(frozen=True)
class Claim:
    """A post that this worker alone may send, until its lease is over."""

    job_id: int
    claim_no: int
    owner: str
    target_id: int
    channel_id: int
    chat_id: int
    creative: Creative | None
    """None where what is stored cannot be read: refused, or it would crash every worker in turn."""
    attempts: int


async def claim(session: AsyncSession, *, owner: str, lease: timedelta) -> Claim | None:
    """Take the post that is due longest, or None: nothing is due, or a switch is stopped.

    One job at a time per channel. The lease runs by the real clock. Takes the switches
    `telegram_posting` and `worker_post`, shared; skips what another worker is claiming.
    """
    switches = (Switch.TELEGRAM_POSTING, Switch.WORKER_POST)
    await killswitches.lock(session, *switches)
    if not await killswitches.running(session, *switches):
        return None
    try:
        async with session.begin_nested():
            found = await session.execute(_CLAIM, {"owner": owner, "lease": lease})
    except IntegrityError:
        # Another worker took another post of the same channel between our look and our write.
        return None
    row = found.one_or_none()
    if row is None:
        return None
    chat_id, creative = (
        await session.execute(
            select(Channel.chat_id, Campaign.creative)
            .join(CampaignTarget, CampaignTarget.channel_id == Channel.id)
            .join(Campaign, Campaign.id == CampaignTarget.campaign_id)
            .where(CampaignTarget.id == row.campaign_target_id)
        )
    ).one()
    return Claim(
        job_id=row.id,
        claim_no=row.claim_no,
        owner=owner,
        target_id=row.campaign_target_id,
        channel_id=row.channel_id,
        chat_id=chat_id,
        creative=creatives.readable(creative),
        attempts=row.attempts,
    )


async def may_send(session: AsyncSession, claim: Claim) -> bool:
    """Say, right before the send, whether the claim is alive and posting still runs.

    After a yes the post may be out, and is above the ids that are known in its channel now. A
    claim that never got this far has surely sent nothing. Switch `telegram_posting`, shared.
    """
    await killswitches.lock(session, Switch.TELEGRAM_POSTING)
    if not await killswitches.running(session, Switch.TELEGRAM_POSTING):
        return False
    known = select(Channel.last_message_id).where(Channel.id == claim.channel_id)
    begun = await session.execute(
        update(PostJob)
        .where(*_is(claim), PostJob.lease_until > func.now())
        .values(unsent_claim_no=None, known_message_id=known.scalar_subquery())
        .returning(PostJob.id)
        .execution_options(synchronize_session=False)
    )
    return begun.one_or_none() is not None


async def give_back(session: AsyncSession, claim: Claim) -> bool:
    """Queue a claimed post again that was surely not sent; costs no attempt."""
    return await _move(session, claim, PostJobStatus.QUEUED) is not None


async def record_sent(session: AsyncSession, claim: Claim, *, message_id: int) -> bool:
    """Record that the post is out: from here the promised hours run. False when fenced out.

    Locks the target, the job, the escrow. Advertiser and owner are told.
    """
    placement = await _mine(
        session,
        claim,
        PostJobStatus.SUCCESS,
        message_id=message_id,
        sent_at=func.clock(),
        last_error=None,
    )
    if placement is None:
        return False
    await _audit(session, claim, "post_published", message_id=message_id)
    await live_checks.begin(session, placement, message_id=message_id)
    return True


async def record_refused(
    session: AsyncSession, claim: Claim, *, error: str, rights_lost: bool
) -> bool:
    """Record that Telegram refused the post: failed, and the clock refunds it.

    A lost right to post suspends the channel and queues the post again without an attempt. False
    when fenced out. Locks the target, the job, the channel.
    """
    if rights_lost:
        if await _mine(session, claim, PostJobStatus.QUEUED, last_error=error) is None:
            return False
        await channels.rights_lost(session, chat_id=claim.chat_id, reason="posting_refused")
        return True
    return await _fail(session, claim, error)


async def record_not_sent(
    session: AsyncSession,
    claim: Claim,
    *,
    error: str,
    counts: bool,
    retry_after: timedelta | None,
) -> bool:
    """Record that surely nothing was sent: queued again after a pause, or out of attempts.

    `counts` is False for a 429 and while Telegram is down. False when fenced out.
    """
    attempts = claim.attempts + counts
    if attempts >= MAX_ATTEMPTS:
        return await _fail(session, claim, error, attempts=attempts)
    pause = retry_after or min(BACKOFF_FIRST * 2**attempts, BACKOFF_MOST)
    return (
        await _move(
            session,
            claim,
            PostJobStatus.QUEUED,
            attempts=attempts,
            due_at=func.clock() + pause,
            last_error=error,
        )
        is not None
    )


async def record_uncertain(session: AsyncSession, claim: Claim, *, error: str) -> bool:
    """Record that nobody knows: looked for, and never sent again before it is known to be absent.

    The escrow stays held. False when fenced out.
    """
    job_id = await _move(session, claim, PostJobStatus.UNCERTAIN, last_error=error, **_doubted())
    if job_id is None:
        return False
    await _audit(session, claim, "post_uncertain")
    return True


async def rescue_abandoned(session: AsyncSession) -> int:
    """Take up posts whose worker let its lease run out; return how many. A tick.

    Which had begun to send are uncertain; the others surely did not go out and are queued again,
    or parked when their workers were gone MAX_ABANDONED times.
    """
    over = (
        select(PostJob.id)
        .where(PostJob.status == PostJobStatus.SENDING, PostJob.lease_until < func.now())
        .order_by(PostJob.lease_until)
        .limit(RESCUE_BATCH)
        .with_for_update(skip_locked=True)
        .cte("over")
    )
    status = case(
        (
            PostJob.unsent_claim_no.is_distinct_from(PostJob.claim_no),
            PostJobStatus.UNCERTAIN.value,
        ),
        (PostJob.abandoned + 1 >= MAX_ABANDONED, PostJobStatus.FAILED.value),
        else_=PostJobStatus.QUEUED.value,
    )
    abandoned = await session.execute(
        update(PostJob)
        .where(PostJob.id == over.c.id)
        .values(
            status=status,
            lease_owner=None,
            lease_until=None,
            abandoned=PostJob.abandoned + 1,
            due_at=func.clock()
            + func.make_interval(
                0, 0, 0, 0, 0, 0, BACKOFF_FIRST.total_seconds() * PostJob.abandoned
            ),
            last_error="the worker was gone before it could record the outcome",
            updated_at=func.clock(),
            **_doubted(),
        )
        .returning(
            PostJob.id,
            PostJob.claim_no,
            PostJob.campaign_target_id,
            PostJob.channel_id,
            PostJob.status,
        )
        .execution_options(synchronize_session=False)
    )
    rows = abandoned.all()
    for row in rows:
        ids = {"post_job_id": row.id, "target_id": row.campaign_target_id}
        action = _RESCUED[row.status]
        await audit.record(session, actor=SYSTEM, action=action, role="system", **ids)
        if row.status is PostJobStatus.FAILED:
            await tell_failed(session, row.campaign_target_id, "parked")
    return len(rows)


async def tell_failed(session: AsyncSession, target_id: int, error: str) -> None:
    """Owe the advertiser the news that a post will not go out; once a target."""
    advertiser = await session.execute(
        select(Campaign.advertiser_id)
        .join(CampaignTarget, CampaignTarget.campaign_id == Campaign.id)
        .where(CampaignTarget.id == target_id)
    )
    await outbox.add(
        session,
        user_id=advertiser.scalar_one(),
        kind="post_refused",
        payload={"target_id": target_id, "error": error},
        key=f"post_refused:{target_id}",
    )


_RESCUED = {
    PostJobStatus.UNCERTAIN: "post_uncertain",
    PostJobStatus.QUEUED: "post_rescued",
    PostJobStatus.FAILED: "post_failed",
}


def _doubted() -> dict[str, Any]:
    """When a post that is uncertain from now on is looked for, and when the admins are asked."""
    return {
        "absent_at": None,
        "look_due_at": func.clock(),
        "card_due_at": func.clock() + DOUBT_LASTS,
    }


def _is(claim: Claim) -> tuple[Any, ...]:
    """The fence: this job, still being sent, under this very claim."""
    return (
        PostJob.id == claim.job_id,
        PostJob.status == PostJobStatus.SENDING,
        PostJob.claim_no == claim.claim_no,
        PostJob.lease_owner == claim.owner,
    )


async def _move(
    session: AsyncSession,
    claim: Claim,
    status: PostJobStatus,
    **values: Any,
) -> int | None:
    """Move the claimed job, if it is still this claim's; return its id, or None."""
    moved = await session.execute(
        update(PostJob)
        .where(*_is(claim))
        .values(
            status=status, lease_owner=None, lease_until=None, updated_at=func.clock(), **values
        )
        .returning(PostJob.id)
        .execution_options(synchronize_session=False)
    )
    return moved.scalar_one_or_none()


async def _mine(
    session: AsyncSession,
    claim: Claim,
    status: PostJobStatus,
    **values: Any,
) -> queries.Placement | None:
    """Lock the placement, then move its job; None when somebody else owns it by now."""
    placement = await queries.lock_placement(session, claim.target_id)
    if placement is None or await _move(session, claim, status, **values) is None:
        return None
    return placement


async def _fail(
    session: AsyncSession,
    claim: Claim,
    error: str,
    **values: Any,
) -> bool:
    if await _mine(session, claim, PostJobStatus.FAILED, last_error=error, **values) is None:
        return False
    await _audit(session, claim, "post_failed")
    await tell_failed(session, claim.target_id, error)
    return True


async def _audit(session: AsyncSession, claim: Claim, action: str, **facts: int) -> None:
    await audit.record(
        session,
        actor=SYSTEM,
        action=action,
        role="system",
        post_job_id=claim.job_id,
        target_id=claim.target_id,
        channel_id=claim.channel_id,
        **facts,
    )
