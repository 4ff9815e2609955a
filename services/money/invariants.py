"""Define the invariants: rules that all rows must obey, each with a query for offending rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ARRAY, BigInteger, bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.money import payment_rules

MAX_ROWS = 20


@dataclass(frozen=True)
class Invariant:
    """A rule that all rows must always obey, with the query for offending rows."""

    name: str
    meaning: str
    """The text that says what is wrong if the query returns a row."""
    sql: str


@dataclass(frozen=True)
class Violation:
    """A broken invariant, with the offending rows."""

    name: str
    meaning: str
    rows: Sequence[dict[str, Any]]


INVARIANTS: tuple[Invariant, ...] = (
    Invariant(
        "wallet_balance",
        "a wallet's balance is not the sum of its entries",
        """
        SELECT w.id AS ref, w.balance, COALESCE(SUM(l.amount), 0)::bigint AS ledger_sum
        FROM wallets w LEFT JOIN ledger_entries l ON l.wallet_id = w.id
        GROUP BY w.id, w.balance HAVING w.balance <> COALESCE(SUM(l.amount), 0)
        """,
    ),
    Invariant(
        "wallet_version",
        "a wallet's entries are not numbered without a gap up to its version",
        """
        SELECT w.id AS ref, w.version, COUNT(l.version) AS entries
        FROM wallets w LEFT JOIN ledger_entries l ON l.wallet_id = w.id
        GROUP BY w.id, w.version
        HAVING w.version <> COUNT(l.version) OR w.version <> COALESCE(MAX(l.version), 0)
            OR MIN(l.version) <> 1
        """,
    ),
    Invariant(
        "running_balance",
        "an entry's balance_after is not the one before plus its amount",
        """
        SELECT id AS ref, wallet_id, balance_after FROM (
            SELECT wallet_id, balance_after,
                (SELECT id FROM ledger_entries l
                WHERE l.wallet_id = line.wallet_id AND l.version = line.version) AS id,
                (SELECT id FROM ledger_entries l
                WHERE l.wallet_id = line.wallet_id AND l.version = line.version_before) AS before_id
            FROM (
                SELECT wallet_id, version, balance_after, amount,
                    LAG(balance_after, 1, 0) OVER wallet AS before,
                    LAG(version) OVER wallet AS version_before
                FROM ledger_entries WINDOW wallet AS (PARTITION BY wallet_id ORDER BY version)
            ) AS line WHERE balance_after <> before + amount
        ) AS wrong
        -- A balanced orphan may have any balance, and so may the entry after it.
        WHERE NOT EXISTS (
            SELECT FROM corrections c
            WHERE c.status = 'done' AND c.entry_id IN (wrong.id, wrong.before_id))
        """,
    ),
    Invariant(
        "zero_sum",
        "the entries of a transfer do not sum to zero",
        """
        SELECT t.id AS ref, COALESCE(SUM(l.amount), 0)::bigint AS total
        FROM ledger_transfers t LEFT JOIN ledger_entries l ON l.transfer_id = t.id
        GROUP BY t.id HAVING COALESCE(SUM(l.amount), 0) <> 0 OR COUNT(l.id) < 2
        """,
    ),
    Invariant(
        "ledger_total",
        "all entries together do not sum to zero",
        """
        SELECT 0 AS ref, SUM(amount)::bigint AS total
        FROM ledger_entries HAVING SUM(amount) <> 0
        """,
    ),
    Invariant(
        "approved_has_escrow_and_job",
        "an approved or posted target lacks its escrow or its post job",
        """
        SELECT t.id AS ref, t.status
        FROM campaign_targets t
        LEFT JOIN escrows e ON e.campaign_target_id = t.id
        LEFT JOIN post_jobs j ON j.campaign_target_id = t.id
        WHERE t.status IN ('approved', 'posted') AND (e.id IS NULL OR j.id IS NULL)
        """,
    ),
    Invariant(
        "agreed_before_approved",
        "a placement was approved, or its post was queued, without its channel owner's acceptance",
        """
        SELECT t.id AS ref, t.status
        FROM campaign_targets t
        LEFT JOIN post_jobs j ON j.campaign_target_id = t.id
        LEFT JOIN placement_answers a ON a.campaign_target_id = t.id AND a.version = t.version
            AND a.answer = 'accepted'
        WHERE (t.status IN ('approved', 'posted') OR j.id IS NOT NULL)
            AND t.answer_due_at IS NOT NULL AND a.id IS NULL
        """,
    ),
    Invariant(
        "times_apart",
        "two times of a channel are kept that are closer than its gap",
        # Only one side is `kept_times`, which a row filter limits. No time is kept for longer than
        # 72 hours.
        """
        SELECT kept.campaign_target_id AS ref, kept.channel_id, kept.kept_from::text
        FROM kept_times kept CROSS JOIN LATERAL (
            SELECT FROM public.kept_times other
            WHERE other.channel_id = kept.channel_id AND other.freed_at IS NULL
                AND other.campaign_target_id <> kept.campaign_target_id
                AND other.kept_from > kept.kept_from - interval '72 hours'
                AND other.kept_from < kept.kept_until AND other.kept_until > kept.kept_from
            LIMIT 1  -- one index scan for each row, whatever the planner knows of the table
        ) AS too_close
        WHERE kept.freed_at IS NULL
        """,
    ),
    Invariant(
        "escrow_unique",
        "a target has more than one escrow",
        """
        SELECT campaign_target_id AS ref, COUNT(*) AS escrow_count
        FROM escrows GROUP BY campaign_target_id HAVING COUNT(*) > 1
        """,
    ),
    Invariant(
        "job_unique",
        "a target has more than one post job",
        """
        SELECT campaign_target_id AS ref, COUNT(*) AS postjob_count
        FROM post_jobs GROUP BY campaign_target_id HAVING COUNT(*) > 1
        """,
    ),
    Invariant(
        "released_is_paid_once",
        "a release without exactly one payout, a successful post and a posted target",
        """
        SELECT e.campaign_target_id AS ref, e.status, t.status AS target_status,
            j.status AS job_status
        FROM escrows e
        JOIN campaign_targets t ON t.id = e.campaign_target_id
        LEFT JOIN post_jobs j ON j.campaign_target_id = e.campaign_target_id
        WHERE (e.status = 'released') <> (
            (SELECT COUNT(*) FROM explained_entries l
             WHERE l.reference_id = e.campaign_target_id AND l.reason = 'payout') = 1)
            OR (e.status = 'released') <> (t.status = 'posted')
            OR (e.status = 'released' AND j.status IS DISTINCT FROM 'success')
        """,
    ),
    Invariant(
        "refunded_is_refunded_once",
        "a refund without exactly one refund transfer, or with a payout",
        """
        SELECT e.campaign_target_id AS ref, e.status, t.status AS target_status
        FROM escrows e
        JOIN campaign_targets t ON t.id = e.campaign_target_id
        WHERE (e.status = 'refunded') <> (
            (SELECT COUNT(*) FROM ledger_transfers l
             WHERE l.reference_id = e.campaign_target_id AND l.reason = 'refund') = 1)
            OR (e.status = 'refunded') <> (t.status = 'refunded')
            OR (e.status = 'refunded' AND EXISTS (
                SELECT FROM explained_entries l
                WHERE l.reference_id = e.campaign_target_id AND l.reason = 'payout'))
        """,
    ),
    Invariant(
        "held_is_undecided",
        "money is held for a target that has ended otherwise",
        """
        SELECT e.campaign_target_id AS ref, t.status AS target_status
        FROM escrows e JOIN campaign_targets t ON t.id = e.campaign_target_id
        WHERE e.status = 'held' AND t.status NOT IN ('pending', 'approved')
        """,
    ),
    Invariant(
        "complaint_holds_escrow",
        "an escrow was released or refunded while a complaint about it was open",
        """
        SELECT e.campaign_target_id AS ref, e.status, c.id AS complaint_id
        FROM escrows e JOIN complaints c ON c.campaign_target_id = e.campaign_target_id
        WHERE c.status <> 'closed' AND e.status <> 'held'
        """,
    ),
    Invariant(
        "decision_is_carried_out",
        "an escrow was settled otherwise than a decision about a complaint says",
        """
        SELECT e.campaign_target_id AS ref, e.status, e.returned, c.outcome
        FROM escrows e
        LEFT JOIN complaints c ON c.campaign_target_id = e.campaign_target_id
            AND c.outcome IN ('released', 'refunded', 'split')
        WHERE e.returned <> CASE WHEN e.status = 'released' AND c.outcome = 'split'
                THEN e.amount - div(e.amount::numeric * c.owner_percent, 100) ELSE 0 END
            OR (c.outcome = 'refunded' AND e.status = 'released')
            OR e.returned <> COALESCE((
                SELECT SUM(l.amount) FROM explained_entries l
                JOIN ledger_transfers t ON t.id = l.transfer_id AND t.reason = 'payout'
                WHERE l.reference_id = e.campaign_target_id AND l.reason = 'refund'), 0)
        """,
    ),
    Invariant(
        "closed_complaint_has_reason",
        "a closed complaint without the decision, the answer or the time-out that closed it",
        """
        SELECT c.campaign_target_id AS ref, c.id AS complaint_id, c.outcome FROM complaints c
        WHERE (c.status = 'closed' AND NOT EXISTS (
                SELECT FROM complaint_steps s WHERE s.complaint_id = c.id AND s.kind = ANY (
                    CASE c.outcome WHEN 'satisfied' THEN '{satisfied}'
                        WHEN 'absorbed' THEN '{absorbed}'
                        WHEN 'silent' THEN '{timed_out}' WHEN 'unanswered' THEN '{timed_out}'
                        ELSE '{ended,timed_out}' END::text[])))
            OR ((c.outcome IN ('released', 'refunded', 'split') OR c.status = 'decided')
                AND NOT EXISTS (
                SELECT FROM complaint_steps s WHERE s.complaint_id = c.id AND s.kind = 'decided'
                    AND s.owner_percent = c.owner_percent AND s.actor_id = c.decided_by
                    AND (c.outcome IS NULL OR c.outcome = CASE c.owner_percent
                        WHEN 100 THEN 'released' WHEN 0 THEN 'refunded' ELSE 'split' END)))
        """,
    ),
    Invariant(
        "published_again_once",
        "a post was published again without the one step of its owner, or before the removed post",
        """
        SELECT j.campaign_target_id AS ref, j.removed_message_id, j.message_id
        FROM post_jobs j CROSS JOIN LATERAL (
            SELECT COUNT(*) AS steps FROM complaints c
            JOIN complaint_steps s ON s.complaint_id = c.id AND s.kind = 'republishing'
            WHERE c.campaign_target_id = j.campaign_target_id) AS taken
        WHERE taken.steps <> (j.removed_message_id IS NOT NULL)::int
            OR j.message_id <= j.removed_message_id OR j.sent_at < j.first_sent_at
        """,
    ),
    *(Invariant(*rule) for rule in payment_rules.RULES),
    Invariant(
        "excess_payment_booked_once",
        "a payment in excess whose transfer is not its amounts, or whose withdrawal is open",
        """
        SELECT p.id AS ref, p.withdrawal_id
        FROM excess_payments p JOIN withdrawals w ON w.id = p.withdrawal_id
        WHERE w.status NOT IN ('paid', 'returned')
            OR p.recovered + p.loss <> COALESCE((
                SELECT SUM(l.amount) FROM explained_entries l
                WHERE l.reference_id = p.id AND l.reason = 'excess_payment' AND l.amount > 0), 0)
        """,
    ),
    Invariant(
        "withdrawal_settled_once",
        "a withdrawal whose transfers are not those of its status",
        """
        SELECT w.id AS ref, w.status FROM withdrawals w
        WHERE (SELECT COUNT(DISTINCT l.transfer_id) FROM explained_entries l
               WHERE l.reference_id = w.id AND l.reason = 'withdrawal_hold') <> 1
            OR (SELECT COUNT(DISTINCT l.transfer_id) FROM explained_entries l
                WHERE l.reference_id = w.id AND l.reason = 'withdrawal')
                <> (w.status = 'paid')::int
            OR (SELECT COUNT(DISTINCT l.transfer_id) FROM explained_entries l
                WHERE l.reference_id = w.id AND l.reason = 'withdrawal_return')
                <> (w.status = 'returned')::int
        """,
    ),
    Invariant(
        "withdrawal_within_due",
        "a withdrawal took payouts that were too young, or was not paid with exactly its fee",
        """
        SELECT w.id AS ref, w.status, w.amount, w.fee, w.hold_days FROM withdrawals w
        WHERE (w.status = 'paid' AND (
                w.amount - w.fee <> COALESCE((
                    SELECT SUM(l.amount) FROM explained_entries l
                    WHERE l.reference_id = w.id AND l.reason = 'withdrawal' AND l.amount > 0), 0)
                OR w.fee <> COALESCE((
                    SELECT SUM(l.amount) FROM explained_entries l
                    WHERE l.reference_id = w.id AND l.reason = 'withdrawal_fee'), 0)))
            OR (w.hold_days IS NOT NULL AND EXISTS (
                SELECT FROM explained_entries hold
                WHERE hold.reference_id = w.id AND hold.reason = 'withdrawal_hold'
                    AND hold.amount < 0 AND hold.balance_after < (
                        SELECT COALESCE(SUM(young.amount), 0) FROM explained_entries young
                        WHERE young.wallet_id = hold.wallet_id AND young.reason = 'payout'
                            AND young.version < hold.version AND young.created_at
                                > hold.created_at - w.hold_days * INTERVAL '24 hours')))
        """,
    ),
    Invariant(
        "withdrawal_wallet",
        "a withdrawal wallet does not hold what its person's open withdrawals and returns ask for",
        """
        SELECT w.id AS ref, w.balance, asked.amount AS asked
        FROM wallets w CROSS JOIN LATERAL (
            SELECT COALESCE(SUM(wanted.amount), 0)::bigint AS amount FROM (
                SELECT d.amount FROM withdrawals d
                WHERE d.user_id = w.user_id AND d.status IN ('requested', 'approved')
                UNION ALL
                SELECT r.amount FROM deposit_returns r
                WHERE r.user_id = w.user_id AND r.status NOT IN ('done', 'refused')) AS wanted
        ) AS asked
        WHERE w.kind = 'withdrawal' AND w.balance <> asked.amount
        """,
    ),
    Invariant(
        "correction_done_once",
        "a correction that is done without its transfer, or the reverse",
        """
        SELECT c.id AS ref, c.kind, c.status FROM corrections c
        WHERE (SELECT COUNT(DISTINCT t.id)
               FROM explained_entries l JOIN ledger_transfers t ON t.id = l.transfer_id
               WHERE l.reference_id = c.id AND l.reason = 'adjustment' AND t.reason = 'adjustment')
            <> (c.status = 'done' AND c.kind IN ('adjustment', 'orphan_entry'))::int
        """,
    ),
    Invariant(
        "escrow_wallet",
        "an escrow's wallet does not hold its amount while held, or nothing afterwards",
        """
        SELECT e.campaign_target_id AS ref, e.status, e.amount, w.balance
        FROM escrows e JOIN wallets w ON w.id = e.wallet_id
        WHERE w.balance <> CASE e.status WHEN 'held' THEN e.amount ELSE 0 END
            OR w.kind <> 'escrow'
        """,
    ),
    Invariant(
        "escrow_wallet_owned",
        "an escrow wallet belongs to no escrow",
        """
        SELECT w.id AS ref, w.balance FROM wallets w
        LEFT JOIN escrows e ON e.wallet_id = w.id
        WHERE w.kind = 'escrow' AND e.id IS NULL
        """,
    ),
    Invariant(
        "orphan_target",
        "a target without its campaign, channel or owner",
        """
        SELECT t.id AS ref FROM campaign_targets t
        LEFT JOIN campaigns c ON c.id = t.campaign_id
        LEFT JOIN channels ch ON ch.id = t.channel_id
        LEFT JOIN users u ON u.id = t.owner_id
        WHERE c.id IS NULL OR ch.id IS NULL OR u.id IS NULL
        """,
    ),
    Invariant(
        "campaign_budget",
        "a campaign spends more than its budget",
        """
        SELECT c.id AS ref, c.total_budget, SUM(t.price - COALESCE(e.returned, 0))::bigint AS spent
        FROM campaigns c JOIN campaign_targets t ON t.campaign_id = c.id
        LEFT JOIN escrows e ON e.campaign_target_id = t.id
        WHERE t.status IN ('pending', 'approved', 'posted')
        GROUP BY c.id, c.total_budget HAVING SUM(t.price - COALESCE(e.returned, 0)) > c.total_budget
        """,
    ),
)


async def run(session: AsyncSession) -> list[Violation]:
    """Check all invariants over all rows, and return the broken invariants."""
    violations = []
    for invariant in INVARIANTS:
        broken = await rows(session, invariant)
        if broken:
            violations.append(Violation(invariant.name, invariant.meaning, broken))
    return violations


async def rows(
    session: AsyncSession, invariant: Invariant, ids: Sequence[int] = ()
) -> list[dict[str, Any]]:
    """Return the first rows that break an invariant, at most MAX_ROWS.

    `ids` is the value of the query's parameter `:ids`, if there is one.
    """
    query = text(f"SELECT * FROM ({invariant.sql}) AS broken ORDER BY ref LIMIT {MAX_ROWS}")  # noqa: S608 - ours
    if ":ids" in invariant.sql:
        query = query.bindparams(bindparam("ids", list(ids), type_=ARRAY(BigInteger)))
    result = await session.execute(query)
    return [dict(row._mapping) for row in result]  # noqa: SLF001 - the public name in SQLAlchemy's documentation
