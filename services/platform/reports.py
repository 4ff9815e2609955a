"""Run the reports of the production checklist and of the safety plan, and some more, by name."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import INTERVAL
from sqlalchemy.ext.asyncio import AsyncSession

from services.platform import errors

# A placement is left out if its advertiser or its owner is a tester.
_TESTERS = "SELECT id FROM users WHERE is_tester"
_TESTED_CAMPAIGNS = f"SELECT id FROM campaigns WHERE advertiser_id IN ({_TESTERS})"  # noqa: S608 - ours
TESTED_TARGETS = f"""
    SELECT id FROM campaign_targets WHERE owner_id IN ({_TESTERS})
    UNION SELECT id FROM campaign_targets WHERE campaign_id IN ({_TESTED_CAMPAIGNS})
"""  # noqa: S608 - only constants of this module are put in
"""The query of the placements that no report counts. Invariants and held money count them."""
UNTESTED_ACTS = f"""
    coalesce((metadata ->> 'withdrawal_user_id')::bigint,
        (metadata ->> 'credited_user_id')::bigint, user_id, 0) NOT IN ({_TESTERS})
    AND coalesce(metadata ->> 'target_id', '') NOT IN (
        SELECT id::text FROM ({TESTED_TARGETS}) AS tested)
"""  # noqa: S608 - the same
"""The condition of the audit rows that the reports count."""

Row = Mapping[str, Any]
ESCROW_SLA = timedelta(hours=24)
"""How long an escrow may hold money without a published post, if no setting says otherwise."""
DAYS = 30
"""How many days the reports by day show."""


def _nothing_is_wrong(_row: Row) -> bool:
    return False


def _each_row_is_wrong(_row: Row) -> bool:
    return True


@dataclass(frozen=True)
class Report:
    """A question about the state of the product, with the query that answers it."""

    meaning: str
    """The meaning of the rows, in one line of plain text."""
    query: str
    """The query.

    `:sla` is the longest time that an escrow may hold money without a post. `:first_txn` is the
    first transaction whose entries the reports by day need.
    """
    next_step: str = ""
    """The advice for people in a shell if the report has rows. It can be empty."""
    is_wrong: Callable[[Row], bool] = _nothing_is_wrong
    """Whether a row of the result is something that must not be."""
    page: str = "docs/runbook.md, “What the rows of a rule are”"
    """The page that says what to do about a row that must not be: a file and a heading in it."""


class Rows(list[dict[str, Any]]):
    """The rows that a report has found."""

    def __init__(self, columns: Sequence[str], rows: Iterable[dict[str, Any]], wrong: int) -> None:
        super().__init__(rows)
        self.columns = columns
        self.wrong = wrong
        """The number of rows that must not be."""


# The audit chain knows where the entries of a day begin in the index on `txn`. Without it, a report
# about days would read the whole ledger. This number is read before the report, because PostgreSQL
# does not use the index for a number that it does not know when it plans the report.
_FIRST_TXN = text(f"""
    SELECT COALESCE((
        SELECT upto_txn FROM audit_chain_links
        WHERE created_at < clock() - interval '{DAYS} days' ORDER BY number DESC LIMIT 1
    ), {-(2**63)})
""")  # noqa: S608 - only constants of this module are put in
_RECENT_ENTRIES = f"""
    WITH recent AS (
        SELECT e.created_at::date AS day, w.kind, w.currency, e.amount, e.reason, e.reference_id,
            e.wallet_id
        FROM ledger_entries e JOIN wallets w ON w.id = e.wallet_id
        WHERE e.txn >= CAST(:first_txn AS bigint)
    ), days AS (
        SELECT generate_series(clock()::date - {DAYS - 1}, clock()::date, interval '1 day')::date
            AS day
    )
"""  # noqa: S608 - the same

REPORTS: Mapping[str, Report] = {
    "ledger": Report(
        "the 100 newest wallets, and whether each balance is the sum of its entries",
        """
        SELECT w.id, w.user_id, COUNT(le.id) AS ledger_count, SUM(le.amount)::bigint AS ledger_sum,
            w.balance, (w.balance = COALESCE(SUM(le.amount), 0)) AS is_valid
        FROM (SELECT * FROM wallets ORDER BY id DESC LIMIT 100) w
        LEFT JOIN ledger_entries le ON le.wallet_id = w.id
        GROUP BY w.id, w.user_id, w.balance, w.created_at
        ORDER BY w.created_at DESC, w.id DESC LIMIT 100
        """,
        is_wrong=lambda row: not row["is_valid"],
        page="docs/incidents.md, “The ledger's invariants are broken”",
    ),
    "drift": Report(
        "all wallets whose balance is not the sum of their entries",
        """
        SELECT w.id, w.balance, COALESCE(SUM(l.amount), 0)::bigint AS ledger_sum
        FROM wallets w LEFT JOIN ledger_entries l ON l.wallet_id = w.id
        GROUP BY w.id HAVING w.balance <> COALESCE(SUM(l.amount), 0)
        """,
        is_wrong=_each_row_is_wrong,
        page="docs/incidents.md, “The ledger's invariants are broken”",
    ),
    "escrow_uniqueness": Report(
        "placements with more than one escrow",
        """
        SELECT campaign_target_id, COUNT(*) AS escrow_count
        FROM escrows GROUP BY campaign_target_id HAVING COUNT(*) > 1
        """,
        is_wrong=_each_row_is_wrong,
    ),
    "job_uniqueness": Report(
        "placements with more than one post job",
        """
        SELECT campaign_target_id, COUNT(*) AS postjob_count
        FROM post_jobs GROUP BY campaign_target_id HAVING COUNT(*) > 1
        """,
        is_wrong=_each_row_is_wrong,
    ),
    "orphans": Report(
        "approved placements without an escrow",
        """
        SELECT id, campaign_id, channel_id FROM campaign_targets
        WHERE status = 'approved' AND (
            SELECT COUNT(*) FROM escrows WHERE campaign_target_id = campaign_targets.id) = 0
        ORDER BY id
        """,
        is_wrong=_each_row_is_wrong,
    ),
    "orphaned_targets": Report(
        "placements whose campaign, channel or owner does not exist",
        """
        SELECT t.id, t.campaign_id, t.channel_id, t.owner_id, t.status FROM campaign_targets t
        WHERE NOT EXISTS (SELECT FROM campaigns c WHERE c.id = t.campaign_id)
            OR NOT EXISTS (SELECT FROM channels h WHERE h.id = t.channel_id)
            OR NOT EXISTS (SELECT FROM users o WHERE o.id = t.owner_id)
        ORDER BY t.id
        """,
        is_wrong=_each_row_is_wrong,
    ),
    "unpaid_releases": Report(
        "released escrows without a payout in the ledger",
        """
        SELECT e.id, e.campaign_target_id
        FROM escrows e
        LEFT JOIN ledger_entries l
            ON l.reference_id = e.campaign_target_id AND l.reason = 'payout'
        WHERE e.status = 'released' AND l.id IS NULL
        """,
        is_wrong=_each_row_is_wrong,
        page="docs/incidents.md, “An escrow is released, and the owner is not paid”",
    ),
    "held": Report(
        "held escrows, the oldest first: the stuck ones, then those that wait, then live posts",
        """
        SELECT e.id, e.campaign_target_id, e.status, e.created_at,
            CASE WHEN j.status = 'success' THEN 'live'
                WHEN GREATEST(e.created_at, publish_time(t.id, t.publish_at))
                    < clock() - CAST(:sla AS interval)
                    THEN 'stuck'
                ELSE 'waiting' END AS state,
            j.status AS job_status, e.amount, e.release_due_at
        FROM escrows e JOIN campaign_targets t ON t.id = e.campaign_target_id
        LEFT JOIN post_jobs j ON j.campaign_target_id = t.id
        WHERE e.status = 'held'
        ORDER BY array_position(ARRAY['stuck', 'waiting', 'live'],
            CASE WHEN j.status = 'success' THEN 'live'
                WHEN GREATEST(e.created_at, publish_time(t.id, t.publish_at))
                    < clock() - CAST(:sla AS interval)
                    THEN 'stuck'
                ELSE 'waiting' END), e.created_at ASC, e.id
        """,
        is_wrong=lambda row: row["state"] == "stuck",
        page="docs/incidents.md, “Money is held longer than ESCROW_SLA for posts that are not out”",
    ),
    "uncertain": Report(
        "posts that may or may not be in their channels, the oldest first",
        """
        SELECT j.campaign_target_id, j.channel_id, e.amount, j.updated_at AS uncertain_since,
            CASE WHEN j.known_message_id IS NULL THEN 'asked'
                WHEN j.first_absent_at IS NOT NULL THEN 'absent_once' ELSE 'searching' END AS state,
            CASE WHEN j.known_message_id IS NOT NULL THEN j.next_check_at END AS next_search_at,
            j.escalate_at AS asks_admins_at, j.last_error
        FROM post_jobs j LEFT JOIN escrows e ON e.campaign_target_id = j.campaign_target_id
        WHERE j.status = 'uncertain' ORDER BY j.updated_at, j.id
        """,
        next_step="The scheduler searches for these posts. What it does not find, an admin decides:"
        " /report uncertain in the admin chat opens the card of each post.",
    ),
    "failed_jobs": Report(
        "failed post jobs with their last error, the newest first",
        f"""
        SELECT id, status, last_error, campaign_target_id, attempts, updated_at
        FROM post_jobs WHERE status = 'failed'
            AND campaign_target_id NOT IN ({TESTED_TARGETS})
        ORDER BY updated_at DESC, id DESC
        """,  # noqa: S608 - the same
    ),
    "campaign_statuses": Report(
        "how many campaigns have each status",
        f"""
        SELECT status, COUNT(*) FROM campaigns WHERE advertiser_id NOT IN ({_TESTERS})
        GROUP BY status ORDER BY status
        """,  # noqa: S608 - only constants of this module are put in
    ),
    "job_statuses": Report(
        "how many post jobs have each status",
        f"""
        SELECT status, COUNT(*) FROM post_jobs WHERE campaign_target_id NOT IN ({TESTED_TARGETS})
        GROUP BY status ORDER BY status
        """,  # noqa: S608 - the same
    ),
    "escrow_statuses": Report(
        "how many escrows have each status",
        f"""
        SELECT status, COUNT(*) FROM escrows WHERE campaign_target_id NOT IN ({TESTED_TARGETS})
        GROUP BY status ORDER BY status
        """,  # noqa: S608 - the same
    ),
    "counts": Report(
        "how many campaigns, placements, escrows and post jobs exist",
        f"""
        WITH tested AS MATERIALIZED ({TESTED_TARGETS})
        SELECT (SELECT COUNT(*) FROM campaigns WHERE advertiser_id NOT IN ({_TESTERS}))
                AS campaign_count,
            (SELECT COUNT(*) FROM campaign_targets WHERE id NOT IN (SELECT id FROM tested))
                AS target_count,
            (SELECT COUNT(*) FROM escrows
                WHERE campaign_target_id NOT IN (SELECT id FROM tested)) AS escrow_count,
            (SELECT COUNT(*) FROM post_jobs
                WHERE campaign_target_id NOT IN (SELECT id FROM tested)) AS postjob_count
        """,  # noqa: S608 - the same
    ),
    "week": Report(
        "campaigns of the last 7 days by the day of their creation",
        f"""
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
            AND campaign_targets.id NOT IN ({TESTED_TARGETS})
        WHERE campaigns.created_at > NOW() - INTERVAL '7 days'
            AND campaigns.advertiser_id NOT IN ({_TESTERS})
        GROUP BY DATE(campaigns.created_at) ORDER BY date DESC
        """,  # noqa: S608 - the same
    ),
    "audit": Report(
        "what people did in the last 7 days, the most frequent act first",
        f"""
        SELECT action, COUNT(*) AS count, MAX(created_at) AS latest
        FROM user_audit_logs WHERE created_at > NOW() - INTERVAL '7 days' AND {UNTESTED_ACTS}
        GROUP BY action ORDER BY count DESC, action
        """,  # noqa: S608 - the same
    ),
    "audit_recent": Report(
        "what people did in the last 10 minutes",
        f"""
        SELECT action, COUNT(*) FROM user_audit_logs
        WHERE created_at > NOW() - INTERVAL '10 minutes' AND {UNTESTED_ACTS}
        GROUP BY action ORDER BY action
        """,  # noqa: S608 - the same
    ),
    "revenue_by_day": Report(
        f"the platform's revenue of each of the last {DAYS} days (UTC), in minor units",
        _RECENT_ENTRIES  # noqa: S608 - no text from outside
        + f"""
        SELECT days.day, COALESCE(SUM(recent.amount), 0)::bigint AS revenue,
            COUNT(*) FILTER (WHERE recent.reason IN ('fee', 'withdrawal_fee')) AS fees
        FROM days LEFT JOIN recent ON recent.day = days.day AND recent.kind = 'revenue'
            AND (recent.reason <> 'fee' OR recent.reference_id NOT IN ({TESTED_TARGETS}))
            AND (recent.reason <> 'withdrawal_fee' OR recent.reference_id NOT IN (
                SELECT id FROM withdrawals WHERE user_id IN ({_TESTERS})))
        GROUP BY days.day ORDER BY days.day DESC
        """,  # noqa: S608 - the same
    ),
    "held_by_day": Report(
        f"the money in escrows at the end of each of the last {DAYS} days (UTC), in minor units",
        _RECENT_ENTRIES  # noqa: S608 - no text from outside
        + """
        , changes AS (
            SELECT days.day, COALESCE(SUM(recent.amount), 0) AS change,
                COALESCE(SUM(recent.amount) FILTER (WHERE recent.amount > 0), 0) AS came,
                COALESCE(-SUM(recent.amount) FILTER (WHERE recent.amount < 0), 0) AS went
            FROM days LEFT JOIN recent ON recent.day = days.day AND recent.kind = 'escrow'
            GROUP BY days.day
        ), holding AS (
            -- Of the wallets, and not of the escrows: a wrong status of an escrow moves no money.
            SELECT COALESCE(SUM(balance), 0) AS now FROM wallets WHERE id IN (
                SELECT wallet_id FROM escrows WHERE status = 'held'
                UNION SELECT wallet_id FROM recent WHERE kind = 'escrow')
        )
        SELECT day,
            ((SELECT now FROM holding)
                - COALESCE(SUM(change) OVER (
                    ORDER BY day DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)
            )::bigint AS held,
            came::bigint AS newly_held, went::bigint AS released_or_refunded
        FROM changes ORDER BY day DESC
        """,
    ),
    "returns": Report(
        "payments in Stars that are being given back, the oldest first, with the last error",
        """
        SELECT given.id, given.deposit_id, payer.telegram_id, given.amount, given.status,
            given.claim_no AS asked, given.created_at, given.last_error
        FROM deposit_returns given JOIN users payer ON payer.id = given.user_id
        WHERE given.status IN ('requested', 'sending', 'uncertain')
        ORDER BY given.due_at, given.id
        """,
    ),
    "unbooked_stars": Report(
        "payments and refunds in Telegram's list of Stars that the books do not have",
        """
        SELECT listed.kind, listed.charge_id, listed.telegram_id, listed.amount, listed.created_at
        FROM listed_star_transactions listed
        WHERE NOT EXISTS (
            SELECT FROM deposits deposit JOIN users payer ON payer.id = deposit.user_id
            WHERE deposit.external_reference = listed.charge_id
                AND deposit.amount = listed.amount AND payer.telegram_id = listed.telegram_id
                AND (listed.kind = 'payment' OR deposit.status IN ('clawed_back', 'returned'))
        ) ORDER BY listed.id
        """,
        is_wrong=_each_row_is_wrong,
        page="docs/runbook.md, “The books and Telegram's list of Stars differ”",
    ),
}


async def run(
    session: AsyncSession,
    name: str,
    *,
    sla: timedelta = ESCROW_SLA,
    limit: int | None = None,
    offset: int = 0,
) -> Rows:
    """Return the rows of a report from `offset` on: all, or at most `limit`.

    Raises NotFound if there is no report with this name.
    """
    report = REPORTS.get(name)
    if report is None:
        raise errors.NotFound("report", name)
    query = report.query
    values: dict[str, Any] = {}
    if limit is not None or offset:
        query = f"SELECT * FROM ({query}) AS report LIMIT :limit OFFSET :offset"  # noqa: S608 - a query of this module
        values = {"limit": limit, "offset": offset}
    statement = text(query)
    if ":first_txn" in query:
        values["first_txn"] = await session.scalar(_FIRST_TXN)
    if ":sla" in query:
        statement = statement.bindparams(bindparam("sla", sla, type_=INTERVAL))
    found = await session.execute(statement, values)
    rows = [dict(row) for row in found.mappings()]
    return Rows(tuple(found.keys()), rows, sum(map(report.is_wrong, rows)))
