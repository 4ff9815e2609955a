"""List the rows that one update, command or tick has written, by its id (`db/correlation.py`)."""

from collections.abc import Sequence

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

COLUMNS = ("time", "row", "id", "what", "state", "actor", "detail", "correlation_id")

_ROWS = text(
    """
    WITH followed AS MATERIALIZED (
        SELECT CAST(:id AS text) AS id
        UNION
        SELECT correlation_id FROM user_audit_logs WHERE metadata ->> 'origin_id' = :id
    ), placements AS MATERIALIZED (
        SELECT (metadata ->> 'target_id')::bigint AS target_id FROM user_audit_logs
        WHERE correlation_id = ANY (ARRAY(SELECT id FROM followed)) AND metadata ? 'target_id'
    ), found AS (
        SELECT created_at AS time, 'audit' AS row, id, action AS what, role AS state,
            user_id AS actor, metadata::text AS detail, correlation_id
        FROM user_audit_logs
        UNION ALL
        SELECT created_at, 'transfer', id, key, reason, actor_id, NULL, correlation_id
        FROM ledger_transfers
        UNION ALL
        SELECT created_at, 'post job', id, 'placement:' || campaign_target_id, status, NULL,
            last_error, correlation_id
        FROM post_jobs WHERE campaign_target_id = ANY (ARRAY(SELECT target_id FROM placements))
        UNION ALL
        SELECT created_at, 'message', id, kind, status, user_id, last_error, correlation_id
        FROM outbox
        UNION ALL
        SELECT created_at, 'deposit', id, source, status, user_id, NULL, correlation_id
        FROM deposits
        UNION ALL
        SELECT created_at, 'withdrawal', id, NULL, status, user_id, NULL, correlation_id
        FROM withdrawals
        UNION ALL
        SELECT created_at, 'request', id, kind, status, requested_by, reason, correlation_id
        FROM staff_requests
        UNION ALL
        SELECT opened_at, 'incident', id, kind,
            CASE WHEN closed_at IS NULL THEN 'open' ELSE 'closed' END, NULL, NULL, correlation_id
        FROM incidents
        UNION ALL
        SELECT received_at, 'update', id, NULL, CASE WHEN failed_at IS NOT NULL THEN 'failed'
            WHEN done_at IS NOT NULL THEN 'handled' ELSE 'waiting' END, NULL, last_error,
            correlation_id
        FROM inbox
    )
    SELECT * FROM found WHERE correlation_id = ANY (ARRAY(SELECT id FROM followed))
    ORDER BY time, row, id
    """
)


async def rows(session: AsyncSession, correlation_id: str) -> Sequence[Row[tuple[object, ...]]]:
    """Return the rows with an id, and the rows of later work that continues the same work.

    Each row has COLUMNS. The later work of an approval is the publication, each check, and the
    payout or refund. A post job is found by an audit row about its placement.
    """
    found = await session.execute(_ROWS, {"id": correlation_id})
    return found.all()
