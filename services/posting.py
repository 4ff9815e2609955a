"""The one post of a target: claim, send (elsewhere, outside any transaction), record.

Telegram has no idempotency key, so a send whose outcome is unknown is never repeated blindly: the
job stays `uncertain`, the escrow stays held, and the admin chat is told. Every write of a worker
names the claim that it holds; a process that was paused and woke up late changes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.campaigns import CampaignTarget
from db.models.operations import Switch
from db.models.posting import PostJob, PostJobStatus
from services import audit, channels, killswitches, outbox
from services.actors import SYSTEM
from services.creatives import Creative
from services.errors import DomainError

MAX_ATTEMPTS = 8
BACKOFF_FIRST = timedelta(seconds=5)
BACKOFF_MOST = timedelta(minutes=10)
RESCUE_BATCH = 100

_CLAIM = text(
    """
    WITH due AS (
        SELECT j.id, j.channel_id, j.due_at
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
        LIMIT :limit
        FOR UPDATE OF j SKIP LOCKED
    ), first AS (
        SELECT DISTINCT ON (channel_id) id FROM due ORDER BY channel_id, due_at, id
    )
    UPDATE post_jobs j
    SET status = 'sending', claim_no = j.claim_no + 1, lease_owner = :owner,
        lease_until = now() + :lease, updated_at = clock()
    FROM first
    JOIN post_jobs same ON same.id = first.id
    JOIN campaign_targets t ON t.id = same.campaign_target_id
    JOIN campaigns c ON c.id = t.campaign_id
    JOIN channels ch ON ch.id = same.channel_id
    WHERE j.id = first.id
    RETURNING j.id, j.claim_no, j.campaign_target_id, j.channel_id, j.attempts, ch.chat_id,
        c.creative
    """
)
_MINE = """
    SELECT * FROM unnest(
        CAST(:job_ids AS bigint[]), CAST(:claim_nos AS bigint[]), CAST(:owners AS text[])
    ) AS mine (job_id, claim_no, owner)
"""
_ALIVE = text(
    f"""
    SELECT j.id FROM post_jobs j JOIN ({_MINE}) m ON m.job_id = j.id
    WHERE j.status = 'sending' AND j.claim_no = m.claim_no AND j.lease_owner = m.owner
        AND j.lease_until > now()
    """  # noqa: S608 - a constant of this module
)
_LOCK_TARGETS = text(
    "SELECT id FROM campaign_targets WHERE id = ANY(:target_ids) ORDER BY id FOR UPDATE"
)
_RECORD_SENT = text(
    """
    WITH mine AS (
        SELECT * FROM unnest(
            CAST(:job_ids AS bigint[]), CAST(:claim_nos AS bigint[]), CAST(:owners AS text[]),
            CAST(:message_ids AS bigint[]), CAST(:correlations AS text[])
        ) AS m (job_id, claim_no, owner, message_id, correlation_id)
    ), moved AS (
        UPDATE post_jobs j
        SET status = 'success', message_id = m.message_id, sent_at = clock(), last_error = NULL,
            lease_owner = NULL, lease_until = NULL, updated_at = clock()
        FROM mine m
        WHERE j.id = m.job_id AND j.status = 'sending' AND j.claim_no = m.claim_no
            AND j.lease_owner = m.owner
        RETURNING j.id, j.campaign_target_id, j.channel_id, j.message_id, m.correlation_id
    ), post AS (
        SELECT moved.*, t.promised_hours, t.owner_id, c.advertiser_id
        FROM moved
        JOIN campaign_targets t ON t.id = moved.campaign_target_id
        JOIN campaigns c ON c.id = t.campaign_id
    ), hours AS (
        UPDATE escrows e
        SET release_due_at = clock() + make_interval(hours => post.promised_hours::int)
        FROM post WHERE e.campaign_target_id = post.campaign_target_id AND e.status = 'held'
    ), known AS (
        UPDATE channels ch SET last_message_id = post.message_id
        FROM post WHERE ch.id = post.channel_id AND ch.last_message_id < post.message_id
    ), written AS (
        INSERT INTO user_audit_logs (action, role, metadata, correlation_id)
        SELECT 'post_published', 'system', jsonb_build_object(
            'post_job_id', id, 'target_id', campaign_target_id, 'channel_id', channel_id,
            'message_id', message_id), correlation_id
        FROM post
    ), told AS (
        INSERT INTO outbox (user_id, kind, payload, key)
        SELECT person.id, 'post_published', jsonb_build_object(
                'target_id', campaign_target_id, 'message_id', message_id, 'to', person.part),
            'post_published:' || campaign_target_id || ':' || person.part
        FROM post, LATERAL (VALUES ('advertiser', advertiser_id), ('owner', owner_id))
            AS person (part, id)
        ON CONFLICT (key) DO NOTHING
    )
    SELECT id FROM post
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

    @property
    def correlation_id(self) -> str:
        """What joins the logs and audit rows of this claim."""
        return f"post-{self.job_id}-{self.claim_no}"


class Sent(NamedTuple):
    """A claimed post that Telegram has published under this id."""

    claim: Claim
    message_id: int


async def enqueue(session: AsyncSession, target: CampaignTarget) -> int:
    """Queue the one post of a target that the caller has locked; return the job's id."""
    await session.execute(
        insert(PostJob)
        .values(
            campaign_target_id=target.id,
            channel_id=target.channel_id,
            due_at=func.greatest(func.clock(), target.publish_at),
        )
        .on_conflict_do_nothing(index_elements=["campaign_target_id"])
    )
    job_id = await session.execute(
        select(PostJob.id).where(PostJob.campaign_target_id == target.id)
    )
    return job_id.scalar_one()


async def claim_due(
    session: AsyncSession, *, owner: str, lease: timedelta, limit: int
) -> list[Claim]:
    """Take up to `limit` posts, those due longest first; none while a switch is stopped.

    One job at a time per channel. The lease runs by the real clock. Takes the switches
    `telegram_posting` and `worker_post`, shared; skips what another worker is claiming.
    """
    switches = (Switch.TELEGRAM_POSTING, Switch.WORKER_POST)
    await killswitches.lock(session, *switches)
    if not await killswitches.running(session, *switches):
        return []
    for most in (limit, 1):
        wanted = {"owner": owner, "lease": lease, "limit": most}
        try:
            async with session.begin_nested():
                found = await session.execute(_CLAIM, wanted)
        except IntegrityError:
            # Another worker took another post of one of the channels between look and write.
            continue
        return [
            Claim(
                job_id=row.id,
                claim_no=row.claim_no,
                owner=owner,
                target_id=row.campaign_target_id,
                channel_id=row.channel_id,
                chat_id=row.chat_id,
                creative=_readable(row.creative),
                attempts=row.attempts,
            )
            for row in found
        ]
    return []


async def claim(session: AsyncSession, *, owner: str, lease: timedelta) -> Claim | None:
    """Take the post that is due longest, if there is one."""
    return next(iter(await claim_due(session, owner=owner, lease=lease, limit=1)), None)


async def begin_sends(session: AsyncSession, claims: Sequence[Claim]) -> frozenset[int]:
    """Say, right before the sends, which jobs' claims are alive, if posting still runs."""
    await killswitches.lock(session, Switch.TELEGRAM_POSTING)
    if not await killswitches.running(session, Switch.TELEGRAM_POSTING):
        return frozenset()
    return frozenset(await session.scalars(_ALIVE, _fences(claims)))


async def may_send(session: AsyncSession, claim: Claim) -> bool:
    """Say the same of one claim."""
    return claim.job_id in await begin_sends(session, [claim])


async def give_back(session: AsyncSession, claim: Claim) -> bool:
    """Queue a claimed post again that was surely not sent; costs no attempt."""
    return await _move(session, claim, PostJobStatus.QUEUED) is not None


async def record_all_sent(session: AsyncSession, sent: Sequence[Sent]) -> frozenset[int]:
    """Record that posts are out: from here their promised hours run. Which jobs were recorded.

    Left out is who was fenced out. Locks the targets in the order of their ids, the jobs, the
    escrows, the channels. Advertisers and owners are told.
    """
    claims = [post.claim for post in sent]
    await session.execute(_LOCK_TARGETS, {"target_ids": [claim.target_id for claim in claims]})
    recorded = await session.scalars(
        _RECORD_SENT,
        _fences(claims)
        | {
            "message_ids": [post.message_id for post in sent],
            "correlations": [claim.correlation_id for claim in claims],
        },
    )
    return frozenset(recorded)


async def record_sent(session: AsyncSession, claim: Claim, *, message_id: int) -> bool:
    """Record the same of one post; False when fenced out."""
    return claim.job_id in await record_all_sent(session, [Sent(claim, message_id)])


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
    """Record that nobody knows: never sent again before it is known to be absent.

    The escrow stays held and the admin chat is told. False when fenced out.
    """
    job_id = await _move(session, claim, PostJobStatus.UNCERTAIN, last_error=error)
    if job_id is None:
        return False
    await _tell_uncertain(session, job_id, claim.target_id, claim.claim_no)
    return True


async def rescue_abandoned(session: AsyncSession) -> int:
    """Make posts uncertain whose worker let its lease run out; return how many. A tick."""
    over = (
        select(PostJob.id)
        .where(PostJob.status == PostJobStatus.SENDING, PostJob.lease_until < func.now())
        .order_by(PostJob.lease_until)
        .limit(RESCUE_BATCH)
        .with_for_update(skip_locked=True)
        .cte("over")
    )
    abandoned = await session.execute(
        update(PostJob)
        .where(PostJob.id == over.c.id)
        .values(
            status=PostJobStatus.UNCERTAIN,
            lease_owner=None,
            lease_until=None,
            last_error="the worker was gone before it could record the outcome",
            updated_at=func.clock(),
        )
        .returning(PostJob.id, PostJob.campaign_target_id, PostJob.claim_no)
        .execution_options(synchronize_session=False)
    )
    rows = abandoned.all()
    for row in rows:
        await _tell_uncertain(session, row.id, row.campaign_target_id, row.claim_no)
    return len(rows)


def _readable(stored: dict[str, Any]) -> Creative | None:
    try:
        return Creative.from_json(stored).validate()
    except (TypeError, ValueError, AttributeError, DomainError):
        return None


def _fences(claims: Sequence[Claim]) -> dict[str, Any]:
    """The same of many, for the statements above."""
    return {
        "job_ids": [claim.job_id for claim in claims],
        "claim_nos": [claim.claim_no for claim in claims],
        "owners": [claim.owner for claim in claims],
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
    placement = await _mine(session, claim, PostJobStatus.FAILED, last_error=error, **values)
    if placement is None:
        return False
    await _audit(session, claim, "post_failed")
    await outbox.add(
        session,
        user_id=placement.campaign.advertiser_id,
        kind="post_refused",
        payload={"target_id": claim.target_id, "error": error},
        key=f"post_refused:{claim.target_id}",
    )
    return True


async def _tell_uncertain(
    session: AsyncSession, job_id: int, target_id: int, claim_no: int
) -> None:
    await audit.record(
        session,
        actor=SYSTEM,
        action="post_uncertain",
        role="system",
        post_job_id=job_id,
        target_id=target_id,
    )
    await outbox.add(
        session,
        user_id=None,
        kind="post_uncertain",
        payload={"target_id": target_id, "job_id": job_id},
        key=f"post_uncertain:{job_id}:{claim_no}",
    )


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
