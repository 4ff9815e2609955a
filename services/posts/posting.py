"""Let workers claim posts, and record each send. No send with an unknown outcome is repeated."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple

from sqlalchemy import func, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from db import queries
from db.models.campaigns import Campaign, CampaignTarget
from db.models.operations import Switch
from db.models.posting import PostJob, PostJobStatus
from services.market import channels, creatives
from services.market.creatives import Creative
from services.platform import audit, killswitches, outbox
from services.platform.actors import SYSTEM
from services.posts import verification

MAX_ATTEMPTS = 8
UNCERTAIN_ESCALATION_DELAY = timedelta(minutes=15)
"""The admins are asked about a send whose outcome is unknown for this long."""
INITIAL_BACKOFF = timedelta(seconds=5)
MAX_BACKOFF = timedelta(minutes=10)

_CLAIM = text(
    """
    WITH due AS (
        SELECT j.id, j.channel_id, j.due_at
        FROM post_jobs j
        JOIN campaign_targets t ON t.id = j.campaign_target_id
        JOIN campaigns c ON c.id = t.campaign_id
        JOIN users a ON a.id = c.advertiser_id
        JOIN channels ch ON ch.id = j.channel_id
        WHERE j.status = 'queued' AND j.search_above IS NULL AND j.due_at <= (SELECT clock())
            AND c.status = 'active' AND ch.status IN ('active', 'paused') AND NOT a.blocked
            AND ch.owner_id = t.owner_id
            -- A time more than a day ahead was written before the clock was set back.
            AND (ch.ads_wait_until IS NULL
                OR ch.ads_wait_until NOT BETWEEN clock() AND clock() + interval '1 day')
            -- A late post waits for the hours of its channel.
            AND CASE WHEN publish_time(t.id, t.publish_at) > clock() - interval '10 minutes'
                THEN true ELSE NOT EXISTS (
                    SELECT FROM channel_calendars calendar
                    CROSS JOIN LATERAL closed_until(calendar, clock()) AS closed
                    WHERE calendar.channel_id = j.channel_id AND closed.why IS NOT NULL) END
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
    RETURNING j.id AS job_id, j.claim_no, j.campaign_target_id AS target_id, j.channel_id,
        ch.chat_id, coalesce(t.creative, c.creative) AS creative, j.attempts,
        j.correlation_id AS origin_id
    """
)
_BEGIN_SENDS = text(
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
_RECORD_PUBLISHED = text(
    """
    WITH moved AS (
        UPDATE post_jobs j
        SET status = 'success', message_id = m.message_id,
            other_message_ids = CAST(m.other_ids AS bigint[]), sent_at = m.sent_at,
            last_error = NULL, lease_owner = NULL, lease_until = NULL, updated_at = clock(),
            first_absent_at = NULL, next_check_at = m.next_check_at, escalate_at = m.escalate_at
        FROM unnest(
            CAST(:job_ids AS bigint[]), CAST(:claim_nos AS bigint[]), CAST(:owners AS text[]),
            CAST(:message_ids AS bigint[]), CAST(:other_ids AS text[]),
            CAST(:correlation_ids AS text[]), CAST(:sent_at AS timestamptz[]),
            CAST(:ends_at AS timestamptz[]), CAST(:next_check_at AS timestamptz[]),
            CAST(:escalate_at AS timestamptz[])
        ) AS m (job_id, claim_no, owner, message_id, other_ids, correlation_id, sent_at, ends_at,
            next_check_at, escalate_at)
        WHERE j.id = m.job_id AND j.status = 'sending' AND j.claim_no = m.claim_no
            AND j.lease_owner = m.owner
        RETURNING j.id, j.campaign_target_id, j.channel_id, j.message_id, m.correlation_id,
            coalesce(j.other_message_ids[cardinality(j.other_message_ids)], j.message_id)
                AS last_id, j.correlation_id AS origin_id, m.ends_at, j.removed_message_id
    ), post AS (
        SELECT moved.*, t.owner_id, c.advertiser_id
        FROM moved
        JOIN campaign_targets t ON t.id = moved.campaign_target_id
        JOIN campaigns c ON c.id = t.campaign_id
    ), hours AS (
        UPDATE escrows e SET release_due_at = post.ends_at
        FROM post WHERE e.campaign_target_id = post.campaign_target_id AND e.status = 'held'
    ), known AS (
        UPDATE channels ch SET last_message_id = post.last_id
        FROM post WHERE ch.id = post.channel_id AND ch.last_message_id < post.last_id
    ), written AS (
        INSERT INTO user_audit_logs (action, role, metadata, correlation_id)
        SELECT 'post_published', 'system', jsonb_build_object(
            'post_job_id', id, 'target_id', campaign_target_id, 'channel_id', channel_id,
            'message_id', message_id, 'origin_id', origin_id), correlation_id
        FROM post
    ), notified AS (
        INSERT INTO outbox (user_id, kind, payload, key, correlation_id)
        SELECT person.id, 'post_published', jsonb_build_object(
                'target_id', campaign_target_id, 'message_id', message_id, 'to', person.part),
            'post_published:' || campaign_target_id || ':' || person.part, correlation_id
        FROM post, LATERAL (VALUES ('advertiser', advertiser_id), ('owner', owner_id))
            AS person (part, id)
        WHERE post.removed_message_id IS NULL
        ON CONFLICT (key) DO NOTHING
    )
    SELECT id FROM post
    """
)


@dataclass(frozen=True)
class Claim:
    """A due post that one worker may send until the lease ends."""

    job_id: int
    claim_no: int
    owner: str
    target_id: int
    channel_id: int
    chat_id: int
    creative: Creative | None
    """The ad, or None if the stored ad cannot be read."""
    attempts: int
    origin_id: str | None = None
    """The id of the approval that queued the post."""

    @property
    def correlation_id(self) -> str:
        """Return the id in all log lines and audit rows about this claim."""
        return f"post-{self.job_id}-{self.claim_no}"


class PublishedPost(NamedTuple):
    """A claimed post that Telegram has published, with the ids of its messages."""

    claim: Claim
    message_id: int
    other_ids: tuple[int, ...] = ()


async def claim_due(
    session: AsyncSession, *, owner: str, lease: timedelta, limit: int
) -> Sequence[Claim]:
    """Claim up to `limit` due posts, oldest due time first, and at most one in each channel.

    `lease` is in real time. Takes the shared locks of the kill switches `telegram_posting` and
    `worker_post`, and claims nothing if a switch forbids posting. Locks the jobs, and skips those
    that another worker has locked.
    """
    await killswitches.lock(session, *killswitches.POSTING_SWITCHES)
    if not await killswitches.are_running(session, *killswitches.POSTING_SWITCHES):
        return []
    # Another worker may claim a post of the same channel between the read and the write of the
    # statement. Then the whole statement fails, and it is tried once more for one post alone.
    for batch_size in (limit, 1):
        try:
            async with session.begin_nested():
                rows = await session.execute(
                    _CLAIM, {"owner": owner, "lease": lease, "limit": batch_size}
                )
        except IntegrityError:
            continue
        return [
            Claim(
                **row._asdict() | {"owner": owner, "creative": creatives.read_or_none(row.creative)}
            )
            for row in rows
        ]
    return []


async def seconds_until_due(session: AsyncSession) -> float | None:
    """Return in how many seconds the next queued post is due: 0 or less for now, None for never."""
    seconds = await session.scalar(
        select(func.extract("epoch", func.min(PostJob.due_at) - func.clock())).where(
            PostJob.status == PostJobStatus.QUEUED, PostJob.search_above.is_(None)
        )
    )
    return None if seconds is None else float(seconds)


async def begin_sends(session: AsyncSession, claims: Sequence[Claim]) -> frozenset[int]:
    """Mark claimed posts as being sent. Return the ids of the marked jobs.

    The caller may send only the marked posts. Jobs without a valid claim are not marked. Takes the
    shared lock of the kill switch `telegram_posting`, and marks nothing if the switch forbids
    posting.
    """
    await killswitches.lock(session, Switch.TELEGRAM_POSTING)
    if not await killswitches.are_running(session, Switch.TELEGRAM_POSTING):
        return frozenset()
    return frozenset(await session.scalars(_BEGIN_SENDS, _fences(claims)))


async def record_published(
    session: AsyncSession, published: Sequence[PublishedPost]
) -> frozenset[int]:
    """Record that posts are published. Return the ids of the recorded jobs.

    The promised hours start now. Posts without a valid claim are skipped. Notifies the advertisers
    and the owners. Locks the placements by id, then the jobs, the escrows, the channels.
    """
    rows = await session.execute(
        _LOCK_TARGETS, {"target_ids": [post.claim.target_id for post in published]}
    )
    schedules = {row.id: verification.schedule(row.moment, row.promised_hours) for row in rows}
    posts = [post for post in published if post.claim.target_id in schedules]
    planned = [schedules[post.claim.target_id] for post in posts]
    recorded = await session.scalars(
        _RECORD_PUBLISHED,
        _fences([post.claim for post in posts])
        | {
            "message_ids": [post.message_id for post in posts],
            # Arrays of different lengths are no array of arrays.
            "other_ids": [f"{{{','.join(map(str, post.other_ids))}}}" for post in posts],
            "correlation_ids": [post.claim.correlation_id for post in posts],
            "sent_at": [each.sent_at for each in planned],
            "ends_at": [each.ends_at for each in planned],
            "next_check_at": [each.next_check_at for each in planned],
            "escalate_at": [each.escalate_at for each in planned],
        },
    )
    return frozenset(recorded)


async def release_claim(session: AsyncSession, claim: Claim) -> bool:
    """Queue a claimed post that was not sent. Return False if the claim is not valid.

    The number of attempts stays.
    """
    return await _move(session, claim, PostJobStatus.QUEUED) is not None


async def record_refused(
    session: AsyncSession, claim: Claim, *, error: str, rights_lost: bool, gone: bool = False
) -> bool:
    """Record that Telegram refused a post. Return False if the claim is not valid.

    The job fails, and the scheduler refunds the escrow. With `rights_lost`, the job is queued
    instead. With `rights_lost` or `gone`, the channel is suspended. Locks the placement, its post
    job, its escrow and its channel.
    """
    if rights_lost:
        recorded = await _lock_and_move(session, claim, PostJobStatus.QUEUED, last_error=error)
    else:
        recorded = await _fail(session, claim, error)
    if recorded and (rights_lost or gone):
        why = channels.GONE if gone else "posting_refused"
        await channels.record_rights_lost(session, chat_id=claim.chat_id, reason=why)
    return recorded


async def record_not_sent(
    session: AsyncSession, claim: Claim, *, error: str, counts: bool, retry_after: timedelta | None
) -> bool:
    """Queue a post that was certainly not sent. Return False if the claim is not valid.

    The post is due after `retry_after`; None means a delay that grows with the attempts. `counts`
    says whether this attempt counts. The job fails after MAX_ATTEMPTS counted attempts.
    """
    attempts = claim.attempts + counts
    if attempts >= MAX_ATTEMPTS:
        return await _fail(session, claim, error, attempts=attempts)
    delay = retry_after or min(INITIAL_BACKOFF * 2**attempts, MAX_BACKOFF)
    moved = await _move(
        session,
        claim,
        PostJobStatus.QUEUED,
        attempts=attempts,
        due_at=func.clock() + delay,
        last_error=error,
    )
    return moved is not None


async def record_uncertain(session: AsyncSession, claim: Claim, *, error: str) -> bool:
    """Record that the outcome of a send is unknown. Return False if the claim is not valid.

    The escrow stays held, and a search for the post begins.
    """
    moved = await _move(
        session, claim, PostJobStatus.UNCERTAIN, last_error=error, **uncertain_values()
    )
    if moved is None:
        return False
    await _audit(session, claim, "post_uncertain")
    return True


async def notify_failed(session: AsyncSession, target_id: int, error: str) -> None:
    """Notify an advertiser once that a post has failed."""
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


def uncertain_values() -> dict[str, Any]:
    """Return the times for the search for a post and for the question to the admins."""
    return {
        "first_absent_at": None,
        "next_check_at": func.clock(),
        "escalate_at": func.clock() + UNCERTAIN_ESCALATION_DELAY,
    }


def _fences(claims: Sequence[Claim]) -> dict[str, Any]:
    return {
        "job_ids": [claim.job_id for claim in claims],
        "claim_nos": [claim.claim_no for claim in claims],
        "owners": [claim.owner for claim in claims],
    }


async def _move(
    session: AsyncSession, claim: Claim, status: PostJobStatus, **values: Any
) -> int | None:
    """Change the status of a claimed job. Return the job's id, or None without a valid claim."""
    moved = await session.execute(
        update(PostJob)
        .where(
            PostJob.id == claim.job_id,
            PostJob.status == PostJobStatus.SENDING,
            PostJob.claim_no == claim.claim_no,
            PostJob.lease_owner == claim.owner,
        )
        .values(
            status=status, lease_owner=None, lease_until=None, updated_at=func.clock(), **values
        )
        .returning(PostJob.id)
        .execution_options(synchronize_session=False)
    )
    return moved.scalar_one_or_none()


async def _lock_and_move(
    session: AsyncSession, claim: Claim, status: PostJobStatus, **values: Any
) -> bool:
    placement = await queries.lock_placement(session, claim.target_id)
    return placement is not None and await _move(session, claim, status, **values) is not None


async def _fail(session: AsyncSession, claim: Claim, error: str, **values: Any) -> bool:
    """Mark a claimed job as failed and notify its advertiser. Return False without a claim."""
    if not await _lock_and_move(session, claim, PostJobStatus.FAILED, last_error=error, **values):
        return False
    await _audit(session, claim, "post_failed")
    await notify_failed(session, claim.target_id, error)
    return True


async def _audit(session: AsyncSession, claim: Claim, action: str) -> None:
    await audit.record(
        session,
        actor=SYSTEM,
        action=action,
        role="system",
        post_job_id=claim.job_id,
        target_id=claim.target_id,
        channel_id=claim.channel_id,
    )
