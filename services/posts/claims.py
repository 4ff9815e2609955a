"""What happens to every post on its way, for many of them in one transaction.

A worker claims, asks right before the sends whether they may begin, and records those that are
out. Each statement names the claims, and does for each what it would do for it alone: who was
fenced out is left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple

from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.operations import Switch
from db.models.posting import PostJob, PostJobStatus
from services.market import creatives
from services.market.creatives import Creative
from services.platform import killswitches
from services.posts import verification

_CLAIM = text(
    """
    WITH due AS (
        SELECT j.id, j.channel_id, j.due_at
        FROM post_jobs j
        JOIN campaign_targets t ON t.id = j.campaign_target_id
        JOIN campaigns c ON c.id = t.campaign_id
        JOIN users a ON a.id = c.advertiser_id
        JOIN channels ch ON ch.id = j.channel_id
        WHERE j.status = 'queued' AND j.due_at <= (SELECT clock())
            AND c.status = 'active' AND ch.status IN ('active', 'paused') AND NOT a.blocked
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
    SET status = 'sending', claim_no = j.claim_no + 1, unsent_claim_no = j.claim_no + 1,
        lease_owner = :owner, lease_until = now() + :lease, updated_at = clock()
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
_BEGIN = text(
    """
    UPDATE post_jobs j SET unsent_claim_no = NULL, known_message_id = ch.last_message_id
    FROM unnest(
        CAST(:job_ids AS bigint[]), CAST(:claim_nos AS bigint[]), CAST(:owners AS text[])
    ) AS m (job_id, claim_no, owner), channels ch
    WHERE j.id = m.job_id AND j.status = 'sending' AND j.claim_no = m.claim_no
        AND j.lease_owner = m.owner AND j.lease_until > now() AND ch.id = j.channel_id
    RETURNING j.id
    """
)
_LOCK_TARGETS = text(
    """
    SELECT id, promised_hours, clock() AS moment
    FROM campaign_targets WHERE id = ANY(:target_ids) ORDER BY id FOR UPDATE
    """
)
_RECORD_SENT = text(
    """
    WITH moved AS (
        UPDATE post_jobs j
        SET status = 'success', message_id = m.message_id, sent_at = m.sent_at, last_error = NULL,
            lease_owner = NULL, lease_until = NULL, updated_at = clock(), first_absent_at = NULL,
            next_check_at = m.next_check_at, escalate_at = m.escalate_at
        FROM unnest(
            CAST(:job_ids AS bigint[]), CAST(:claim_nos AS bigint[]), CAST(:owners AS text[]),
            CAST(:message_ids AS bigint[]), CAST(:correlation_ids AS text[]),
            CAST(:sent_at AS timestamptz[]), CAST(:ends_at AS timestamptz[]),
            CAST(:next_check_at AS timestamptz[]), CAST(:escalate_at AS timestamptz[])
        ) AS m (job_id, claim_no, owner, message_id, correlation_id, sent_at, ends_at,
            next_check_at, escalate_at)
        WHERE j.id = m.job_id AND j.status = 'sending' AND j.claim_no = m.claim_no
            AND j.lease_owner = m.owner
        RETURNING j.id, j.campaign_target_id, j.channel_id, j.message_id, m.correlation_id,
            m.ends_at
    ), post AS (
        SELECT moved.*, t.owner_id, c.advertiser_id
        FROM moved
        JOIN campaign_targets t ON t.id = moved.campaign_target_id
        JOIN campaigns c ON c.id = t.campaign_id
    ), hours AS (
        UPDATE escrows e SET release_due_at = post.ends_at
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


class PublishedPost(NamedTuple):
    """A claimed post that Telegram has published under this id."""

    claim: Claim
    message_id: int


async def claim_due(
    session: AsyncSession, *, owner: str, lease: timedelta, limit: int
) -> Sequence[Claim]:
    """Claim up to `limit` posts, those due longest first; none while a switch is stopped.

    One job at a time per channel. The lease runs by the real clock. Takes the switches
    `telegram_posting` and `worker_post`, shared; skips what another worker is claiming.
    """
    switches = (Switch.TELEGRAM_POSTING, Switch.WORKER_POST)
    await killswitches.lock(session, *switches)
    if not await killswitches.running(session, *switches):
        return []
    # A second, smaller try where another worker took a post of the same channel between our look
    # and our write.
    for most in (limit, 1):
        try:
            async with session.begin_nested():
                found = await session.execute(
                    _CLAIM, {"owner": owner, "lease": lease, "limit": most}
                )
        except IntegrityError:
            continue
        return [
            Claim(
                job_id=row.id,
                claim_no=row.claim_no,
                owner=owner,
                target_id=row.campaign_target_id,
                channel_id=row.channel_id,
                chat_id=row.chat_id,
                creative=creatives.readable(row.creative),
                attempts=row.attempts,
            )
            for row in found
        ]
    return []


async def seconds_until_due(session: AsyncSession) -> float | None:
    """Say in how many seconds the next queued post is due; 0 or less for now, None for never."""
    seconds = await session.scalar(
        select(func.extract("epoch", func.min(PostJob.due_at) - func.clock())).where(
            PostJob.status == PostJobStatus.QUEUED
        )
    )
    return None if seconds is None else float(seconds)


async def begin_sends(session: AsyncSession, claims: Sequence[Claim]) -> frozenset[int]:
    """Say, right before the sends, which jobs' claims are alive, if posting still runs.

    After a yes the post may be out, and is above the ids that are known in its channel now. A
    claim that never got this far has surely sent nothing. Switch `telegram_posting`, shared.
    """
    await killswitches.lock(session, Switch.TELEGRAM_POSTING)
    if not await killswitches.running(session, Switch.TELEGRAM_POSTING):
        return frozenset()
    return frozenset(await session.scalars(_BEGIN, _fences(claims)))


async def record_published(session: AsyncSession, sent: Sequence[PublishedPost]) -> frozenset[int]:
    """Record that posts are out: from here their promised hours run. Which jobs were recorded.

    Locks the targets in the order of their ids, then the jobs, the escrows, the channels.
    Advertisers and owners are told.
    """
    rows = await session.execute(
        _LOCK_TARGETS, {"target_ids": [post.claim.target_id for post in sent]}
    )
    plans = {row.id: verification.schedule(row.moment, row.promised_hours) for row in rows}
    known = [post for post in sent if post.claim.target_id in plans]
    planned = [plans[post.claim.target_id] for post in known]
    recorded = await session.scalars(
        _RECORD_SENT,
        _fences([post.claim for post in known])
        | {
            "message_ids": [post.message_id for post in known],
            "correlation_ids": [post.claim.correlation_id for post in known],
            "sent_at": [plan.sent_at for plan in planned],
            "ends_at": [plan.ends_at for plan in planned],
            "next_check_at": [plan.next_check_at for plan in planned],
            "escalate_at": [plan.escalate_at for plan in planned],
        },
    )
    return frozenset(recorded)


def _fences(claims: Sequence[Claim]) -> dict[str, Any]:
    return {
        "job_ids": [claim.job_id for claim in claims],
        "claim_nos": [claim.claim_no for claim in claims],
        "owners": [claim.owner for claim in claims],
    }
