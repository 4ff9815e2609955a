"""Run the reports of the production checklist and of the safety plan by name."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.platform import errors

REPORTS: dict[str, str] = {
    "ledger": """
        SELECT w.id, w.user_id, COUNT(le.id) AS ledger_count, SUM(le.amount)::bigint AS ledger_sum,
            w.balance, (w.balance = COALESCE(SUM(le.amount), 0)) AS is_valid
        FROM wallets w LEFT JOIN ledger_entries le ON le.wallet_id = w.id
        GROUP BY w.id, w.user_id, w.balance
        ORDER BY w.created_at DESC LIMIT 100
    """,
    "escrow_uniqueness": """
        SELECT campaign_target_id, COUNT(*) AS escrow_count
        FROM escrows GROUP BY campaign_target_id HAVING COUNT(*) > 1
    """,
    "job_uniqueness": """
        SELECT campaign_target_id, COUNT(*) AS postjob_count
        FROM post_jobs GROUP BY campaign_target_id HAVING COUNT(*) > 1
    """,
    "campaign_statuses": "SELECT status, COUNT(*) FROM campaigns GROUP BY status",
    "counts": """
        SELECT (SELECT COUNT(*) FROM campaigns) AS campaign_count,
            (SELECT COUNT(*) FROM campaign_targets) AS target_count,
            (SELECT COUNT(*) FROM escrows) AS escrow_count,
            (SELECT COUNT(*) FROM post_jobs) AS postjob_count
    """,
    "orphans": """
        SELECT id, campaign_id, channel_id FROM campaign_targets
        WHERE status = 'approved' AND (
            SELECT COUNT(*) FROM escrows WHERE campaign_target_id = campaign_targets.id) = 0
    """,
    "drift": """
        SELECT w.id, w.balance, COALESCE(SUM(l.amount), 0)::bigint AS ledger_sum
        FROM wallets w LEFT JOIN ledger_entries l ON l.wallet_id = w.id
        GROUP BY w.id HAVING w.balance <> COALESCE(SUM(l.amount), 0)
    """,
    "held": """
        SELECT id, campaign_target_id, status, created_at
        FROM escrows WHERE status = 'held' ORDER BY created_at ASC
    """,
    "unpaid_releases": """
        SELECT e.id, e.campaign_target_id
        FROM escrows e
        LEFT JOIN ledger_entries l
            ON l.reference_id = e.campaign_target_id AND l.reason = 'payout'
        WHERE e.status = 'released' AND l.id IS NULL
    """,
    "job_statuses": "SELECT status, COUNT(*) FROM post_jobs GROUP BY status",
    "escrow_statuses": "SELECT status, COUNT(*) FROM escrows GROUP BY status",
    "failed_jobs": "SELECT id, status, last_error FROM post_jobs WHERE status = 'failed'",
    "unbooked_stars": """
        SELECT listed.kind, listed.charge_id, listed.telegram_id, listed.amount, listed.created_at
        FROM listed_star_transactions listed
        WHERE NOT EXISTS (
            SELECT FROM deposits deposit JOIN users payer ON payer.id = deposit.user_id
            WHERE deposit.external_reference = listed.charge_id
                AND deposit.amount = listed.amount AND payer.telegram_id = listed.telegram_id
                AND (listed.kind = 'payment' OR deposit.status = 'clawed_back')
        ) ORDER BY listed.id
    """,
    "week": """
        SELECT DATE(campaigns.created_at) AS date,
            COUNT(DISTINCT CASE WHEN campaigns.status = 'active' THEN campaigns.id END)
                AS active_campaigns,
            COUNT(DISTINCT CASE WHEN campaigns.status = 'draft' THEN campaigns.id END)
                AS draft_campaigns,
            COUNT(DISTINCT CASE WHEN campaign_targets.status = 'posted'
                THEN campaign_targets.campaign_id END) AS posted_targets,
            COUNT(DISTINCT CASE WHEN campaign_targets.status = 'approved'
                THEN campaign_targets.campaign_id END) AS approved_targets
        FROM campaigns LEFT JOIN campaign_targets ON campaign_targets.campaign_id = campaigns.id
        WHERE campaigns.created_at > NOW() - INTERVAL '7 days'
        GROUP BY DATE(campaigns.created_at) ORDER BY date DESC
    """,
    "audit": """
        SELECT action, COUNT(*) AS count, MAX(created_at) AS latest
        FROM user_audit_logs WHERE created_at > NOW() - INTERVAL '7 days'
        GROUP BY action ORDER BY count DESC
    """,
    "audit_recent": """
        SELECT action, COUNT(*) FROM user_audit_logs
        WHERE created_at > NOW() - INTERVAL '10 minutes' GROUP BY action
    """,
}


async def run(session: AsyncSession, name: str) -> Sequence[dict[str, Any]]:
    """Return the rows of a report. Raises NotFound if there is no report with this name."""
    if name not in REPORTS:
        raise errors.NotFound("report", name)
    rows = await session.execute(text(REPORTS[name]))
    return [dict(row._mapping) for row in rows]  # noqa: SLF001 - its documented name
