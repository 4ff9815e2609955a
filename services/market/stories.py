"""Read what has happened with a placement, from the rows that record each step."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import BigInteger, DateTime, Text, bindparam, column, text
from sqlalchemy.ext.asyncio import AsyncSession

_STORY = (
    text(
        """
    WITH target AS MATERIALIZED (
        SELECT target.*, job.id AS job_id, job.status AS job_status, job.sent_at, job.last_error,
            job.first_sent_at,
            escrow.status AS escrow_status, escrow.amount, escrow.settled_at,
            escrow.release_due_at, escrow.returned
        FROM campaign_targets target
        LEFT JOIN post_jobs job ON job.campaign_target_id = target.id
        LEFT JOIN escrows escrow ON escrow.campaign_target_id = target.id
        WHERE target.id = :target_id
    ), step (at, what, version, who, reason, number) AS (
        SELECT created_at, 'submitted', 1, NULL, NULL, NULL::bigint FROM target
        UNION ALL
        SELECT created_at, 'changed', version + 1, NULL, NULL, NULL FROM placement_versions
        WHERE campaign_target_id = :target_id
        UNION ALL
        SELECT created_at, 'asked', version, side,
            CASE WHEN ending IS NOT NULL THEN 'format' WHEN price IS NOT NULL THEN 'price'
                WHEN publish_at IS NOT NULL THEN 'time' ELSE words END, price
        FROM change_requests WHERE campaign_target_id = :target_id
        UNION ALL
        SELECT given.created_at, given.answer, given.version,
            CASE WHEN given.answered_by IS NULL THEN 'rule'
                WHEN given.answered_by = target.owner_id THEN 'owner' ELSE 'manager' END,
            given.reason, NULL
        FROM placement_answers given, target WHERE given.campaign_target_id = :target_id
        UNION ALL
        SELECT decided_at, CASE WHEN status IN ('posted', 'refunded') THEN 'approved'
            ELSE status END, version, NULL, decision_reason, NULL
        FROM target
        WHERE decided_at IS NOT NULL AND NOT (status = 'rejected' AND decided_by = owner_id)
        UNION ALL
        SELECT target.cancelled_at, 'cancelled', NULL, NULL, (
            SELECT written.metadata ->> 'reason' FROM user_audit_logs written
            WHERE written.action = 'placement_cancelled'
                AND written.created_at = target.cancelled_at
                AND written.metadata ->> 'target_id' = target.id::text LIMIT 1), NULL
        FROM target WHERE target.cancelled_at IS NOT NULL
        UNION ALL
        SELECT coalesce(first_sent_at, sent_at), 'published', NULL, NULL, NULL, NULL FROM target
        WHERE coalesce(first_sent_at, sent_at) IS NOT NULL
        UNION ALL
        SELECT step.created_at, step.kind, NULL, NULL, NULL, NULL
        FROM complaint_steps step JOIN complaints complaint ON complaint.id = step.complaint_id
        WHERE complaint.campaign_target_id = :target_id
            AND step.kind IN ('gone', 'republishing', 'republished')
        UNION ALL
        SELECT above.created_at, 'covered', NULL, NULL, NULL, NULL
        FROM posts_above above JOIN target ON target.job_id = above.post_job_id
        UNION ALL
        SELECT max(seen.checked_at), 'checked', NULL, NULL,
            (array_agg(seen.verdict ORDER BY seen.checked_at DESC))[1], count(*)
        FROM post_checks seen WHERE seen.post_job_id = (SELECT job_id FROM target)
        HAVING count(*) > 0
        UNION ALL
        SELECT release_due_at, 'ended', NULL, NULL, NULL, promised_hours FROM target
        WHERE release_due_at <= clock() AND job_status = 'success' AND promised_hours > 0
        UNION ALL
        SELECT settled_at, CASE escrow_status WHEN 'released' THEN 'paid' ELSE 'refunded' END,
            NULL, NULL, CASE WHEN escrow_status = 'released' THEN NULL
                WHEN cancelled_at IS NOT NULL THEN 'cancelled'
                WHEN job_status = 'cancelled' THEN 'stopped'
                WHEN last_error = 'removed' THEN 'removed'
                WHEN last_error LIKE 'breach: %' THEN 'breach'
                WHEN coalesce(first_sent_at, sent_at) IS NOT NULL THEN 'decided'
                ELSE 'unpublished' END,
            CASE escrow_status WHEN 'released' THEN coalesce((SELECT entry.amount
                FROM ledger_entries entry
                WHERE entry.reference_id = target.id AND entry.reason = 'payout'), 0)
                ELSE amount END
        FROM target WHERE settled_at IS NOT NULL
        UNION ALL
        SELECT settled_at, 'refunded', NULL, NULL, 'split', returned
        FROM target WHERE returned > 0
        UNION ALL
        SELECT removal.ended_at, 'taken_down', NULL, NULL, removal.status, NULL
        FROM removals removal JOIN target ON target.job_id = removal.post_job_id
        WHERE removal.ended_at IS NOT NULL
    )
    SELECT at, what, coalesce(version, 1), coalesce(who, ''), coalesce(reason, ''), number
    FROM step ORDER BY at, array_position(ARRAY['submitted', 'changed', 'asked', 'accepted',
        'declined', 'approved', 'published', 'checked', 'ended', 'cancelled', 'paid'], what)
    """
    )
    .bindparams(bindparam("target_id", type_=BigInteger))
    .columns(
        column("at", DateTime(timezone=True)),
        column("what", Text),
        column("version", BigInteger),
        column("who", Text),
        column("reason", Text),
        column("number", BigInteger),
    )
)


class Step(NamedTuple):
    """One thing that has happened with a placement."""

    at: datetime
    what: str
    """A word for the step, which the text `story-step` knows."""
    version: int
    """The version of the placement that the step is about, or 1."""
    who: str
    """The side that acted: owner, manager, rule or moderator. Empty if the word says it."""
    reason: str
    """The reason, the verdict of the last check, or what somebody asked for. Often empty."""
    number: int | None
    """An amount in minor units, or a number of checks or hours, or None."""


async def read(session: AsyncSession, target_id: int) -> Sequence[Step]:
    """Return what has happened with a placement, the oldest first. The caller checks the reader.

    All checks of the post are one step, at the time of the last check. An unknown placement has no
    steps.
    """
    rows = await session.execute(_STORY, {"target_id": target_id})
    return [Step(*row) for row in rows]
