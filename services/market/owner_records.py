"""Read what the owners of channels have done with the placements that they sold."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Interval, bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession

PERIOD = timedelta(days=90)
"""Only placements that were submitted within this time count."""
MOST = 100
"""Of each channel, at most this number of the newest placements counts."""
_READ = text(
    f"""
    SELECT target.channel_id,
        count(*) FILTER (WHERE escrow.status = 'released') AS kept,
        count(*) FILTER (WHERE job.last_error = 'removed') AS removed,
        count(*) FILTER (WHERE EXISTS (
            SELECT FROM post_checks post_check
            WHERE post_check.post_job_id = job.id AND post_check.verdict = 'altered')) AS altered,
        count(*) FILTER (WHERE given.answer = 'declined') AS declined,
        count(*) FILTER (WHERE target.status = 'expired' AND target.answer_due_at IS NOT NULL
            AND target.agreed_at IS NULL AND NOT EXISTS (
                SELECT FROM change_requests asked
                WHERE asked.campaign_target_id = target.id AND asked.version = target.version
                    AND asked.side = 'owner')) AS unanswered,
        percentile_cont(0.5) WITHIN GROUP (
            ORDER BY given.created_at - coalesce(target.changed_at, target.created_at))
            FILTER (WHERE given.answered_by IS NOT NULL) AS answer_time
    FROM channels channel CROSS JOIN LATERAL (
        SELECT newest.* FROM campaign_targets newest
        WHERE newest.channel_id = channel.id ORDER BY newest.id DESC LIMIT {MOST}
    ) AS target
    LEFT JOIN escrows escrow ON escrow.campaign_target_id = target.id
    LEFT JOIN post_jobs job ON job.campaign_target_id = target.id
    LEFT JOIN placement_answers given
        ON given.campaign_target_id = target.id AND given.version = target.version
    WHERE channel.id = ANY (:ids) AND target.owner_id = channel.owner_id
        AND target.created_at > clock() - :period
    GROUP BY target.channel_id
    """  # noqa: S608 - only a number is put in
).bindparams(bindparam("ids", type_=ARRAY(BigInteger)), bindparam("period", type_=Interval))


@dataclass(frozen=True)
class OwnerRecord:
    """The outcomes of the newest placements that a channel's present owner has sold."""

    kept: int = 0
    """How many stayed as promised, so that the owner was paid."""
    removed: int = 0
    """How many were removed before their promised time was over."""
    altered: int = 0
    """How many were altered at least once."""
    declined: int = 0
    unanswered: int = 0
    """How many ended without an answer. A request for a change is an answer."""
    answer_time: timedelta | None = None
    """How fast the owner answered in half of the cases, or None without an answer."""


async def of_channels(
    session: AsyncSession, channel_ids: Collection[int]
) -> Mapping[int, OwnerRecord]:
    """Return the record of the present owner of each channel, by the channel's id.

    Only facts that the product has measured count (`PERIOD`, `MOST`). A channel without a placement
    has an empty record.
    """
    found = await session.execute(_READ, {"ids": list(channel_ids), "period": PERIOD})
    records: dict[int, Any] = {row.channel_id: OwnerRecord(*row[1:]) for row in found}
    return {channel_id: records.get(channel_id, OwnerRecord()) for channel_id in channel_ids}
