"""The one post of a target: claim, send (elsewhere, outside any transaction), record.

Telegram has no idempotency key, so a send whose outcome is unknown is never repeated blindly: the
job is `uncertain`, the escrow stays held, and the post is looked for (`services.doubts`). Every
write of a worker names the claim that it holds; who was paused and wakes up late changes nothing.
"""

from datetime import timedelta
from typing import Any

from sqlalchemy import case, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.campaigns import Campaign, CampaignStatus, CampaignTarget
from db.models.posting import PostJob, PostJobStatus
from db.models.users import User
from services.market import channels
from services.platform import audit, outbox
from services.platform.actors import SYSTEM
from services.posts import claims
from services.posts.claims import Claim, PublishedPost

MAX_ATTEMPTS = 8
MAX_ABANDONED = 5
"""A post whose workers were gone so often is parked: it may be what kills them."""
DOUBT_LASTS = timedelta(minutes=15)
"""After this an uncertain post that nobody has found or missed is the admins' to decide."""
BACKOFF_FIRST = timedelta(seconds=5)
BACKOFF_MOST = timedelta(minutes=10)
RESCUE_BATCH = 100
CANCEL_BATCH = 100


async def claim(session: AsyncSession, *, owner: str, lease: timedelta) -> Claim | None:
    """Claim the post that is due longest, if there is one."""
    return next(iter(await claims.claim_due(session, owner=owner, lease=lease, limit=1)), None)


async def may_send(session: AsyncSession, claim: Claim) -> bool:
    """Say, right before the send, whether it may begin."""
    return claim.job_id in await claims.begin_sends(session, [claim])


async def give_back(session: AsyncSession, claim: Claim) -> bool:
    """Queue a claimed post again that was surely not sent; costs no attempt."""
    return await _move(session, claim, PostJobStatus.QUEUED) is not None


async def record_sent(session: AsyncSession, claim: Claim, *, message_id: int) -> bool:
    """Record that the post is out. False when fenced out."""
    return claim.job_id in await claims.record_published(
        session, [PublishedPost(claim, message_id)]
    )


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


async def cancel_unwanted(session: AsyncSession) -> int:
    """Cancel posts that wait and may not go out any more; return how many. A tick.

    Those of blocked advertisers, and of cancelled campaigns: a post under way when its campaign was
    cancelled may have come back. The refund follows by its own tick. Locks the jobs, and waits for
    none: who holds one decides about it.
    """
    unwanted = (
        select(PostJob.id)
        .join(CampaignTarget, CampaignTarget.id == PostJob.campaign_target_id)
        .join(Campaign, Campaign.id == CampaignTarget.campaign_id)
        .join(User, User.id == Campaign.advertiser_id)
        .where(
            PostJob.status == PostJobStatus.QUEUED,
            or_(Campaign.status == CampaignStatus.CANCELLED, User.blocked),
        )
        .order_by(PostJob.id)
        .limit(CANCEL_BATCH)
        .with_for_update(of=PostJob, skip_locked=True)
        .cte("unwanted")
    )
    cancelled = await session.execute(
        update(PostJob)
        .where(PostJob.id == unwanted.c.id)
        .values(status=PostJobStatus.CANCELLED, updated_at=func.clock())
        .returning(PostJob.id, PostJob.campaign_target_id)
        .execution_options(synchronize_session=False)
    )
    rows = cancelled.all()
    for row in rows:
        await audit.record(
            session,
            actor=SYSTEM,
            action="post_cancelled",
            role="system",
            post_job_id=row.id,
            target_id=row.campaign_target_id,
        )
    return len(rows)


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
        "first_absent_at": None,
        "next_check_at": func.clock(),
        "escalate_at": func.clock() + DOUBT_LASTS,
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
