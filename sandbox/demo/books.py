"""Read the demo's database, and check its rows.

These checks are independent of the product's own checks.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import asyncpg

from sandbox.demo.errors import Unexpected
from sandbox.demo.people import PATIENCE

_POLL_INTERVAL = 0.1


@dataclass(frozen=True)
class Check:
    """A rule for a table. The query `sql` returns the rows that break the rule."""

    name: str
    table: str
    sql: str


@dataclass(frozen=True)
class Result:
    """The numbers of checked rows and of wrong rows in one check."""

    check: Check
    offending: int
    checked_rows: int


INVARIANTS = (
    Check(
        "a wallet's balance is the sum of its entries",
        "wallets",
        """
        SELECT w.id FROM wallets w
        WHERE w.balance <> (
            SELECT COALESCE(SUM(e.amount), 0) FROM ledger_entries e WHERE e.wallet_id = w.id)
        """,
    ),
    Check(
        "all entries together sum to zero",
        "ledger_entries",
        "SELECT SUM(amount) FROM ledger_entries HAVING SUM(amount) <> 0",
    ),
    Check(
        "the entries of a transfer sum to zero",
        "ledger_transfers",
        """
        SELECT t.id FROM ledger_transfers t
        WHERE COALESCE(
            (SELECT SUM(e.amount) FROM ledger_entries e WHERE e.transfer_id = t.id), 1) <> 0
        """,
    ),
    Check(
        "no wallet but the outside world's is below zero",
        "wallets",
        "SELECT id FROM wallets WHERE balance < 0 AND kind <> 'external'",
    ),
    Check(
        "an approved or posted target has one escrow and one job",
        "campaign_targets",
        """
        SELECT t.id FROM campaign_targets t
        WHERE t.status IN ('approved', 'posted') AND (
            (SELECT COUNT(*) FROM escrows e WHERE e.campaign_target_id = t.id) <> 1
            OR (SELECT COUNT(*) FROM post_jobs j WHERE j.campaign_target_id = t.id) <> 1)
        """,
    ),
    Check(
        "released means one payout and a post that is out",
        "escrows",
        """
        SELECT e.id FROM escrows e
        LEFT JOIN post_jobs j ON j.campaign_target_id = e.campaign_target_id
        CROSS JOIN LATERAL (
            SELECT COUNT(*) AS payouts FROM ledger_entries l
            WHERE l.reason = 'payout' AND l.reference_id = e.campaign_target_id) AS paid
        WHERE (e.status = 'released') IS DISTINCT FROM (paid.payouts = 1 AND j.status = 'success')
        """,
    ),
    Check(
        "refunded means one refund and no payout",
        "escrows",
        """
        SELECT e.id FROM escrows e
        CROSS JOIN LATERAL (
            SELECT COUNT(*) FILTER (WHERE l.reason = 'refund') AS refunds,
                COUNT(*) FILTER (WHERE l.reason = 'payout') AS payouts
            FROM ledger_transfers l WHERE l.reference_id = e.campaign_target_id) AS moved
        WHERE (e.status = 'refunded') <> (moved.refunds = 1)
            OR moved.refunds > 1 OR (moved.refunds > 0 AND moved.payouts > 0)
        """,
    ),
    Check(
        "an escrow's wallet has its amount while held, then nothing",
        "escrows",
        """
        SELECT e.id FROM escrows e JOIN wallets w ON w.id = e.wallet_id
        WHERE w.balance <> CASE WHEN e.status = 'held' THEN e.amount ELSE 0 END
        """,
    ),
    Check(
        "no target without its campaign, channel and owner",
        "campaign_targets",
        """
        SELECT t.id FROM campaign_targets t
        WHERE NOT EXISTS (SELECT FROM campaigns c WHERE c.id = t.campaign_id)
            OR NOT EXISTS (SELECT FROM channels c WHERE c.id = t.channel_id)
            OR NOT EXISTS (SELECT FROM users u WHERE u.id = t.owner_id)
        """,
    ),
    Check(
        "no campaign spends more than its budget",
        "campaigns",
        """
        SELECT c.id FROM campaigns c
        WHERE c.total_budget < (
            SELECT COALESCE(SUM(t.price), 0) FROM campaign_targets t
            WHERE t.campaign_id = c.id AND t.status IN ('pending', 'approved', 'posted'))
        """,
    ),
)

UNIQUENESS = (
    Check(
        "escrow uniqueness: no target has two escrows",
        "escrows",
        """
        SELECT campaign_target_id, COUNT(*) AS escrow_count
        FROM escrows GROUP BY campaign_target_id HAVING COUNT(*) > 1
        """,
    ),
    Check(
        "post job uniqueness: no target has two jobs",
        "post_jobs",
        """
        SELECT campaign_target_id, COUNT(*) AS postjob_count
        FROM post_jobs GROUP BY campaign_target_id HAVING COUNT(*) > 1
        """,
    ),
)


@dataclass(frozen=True)
class DemoDatabase:
    """A read-only client of the demo's database."""

    dsn: str

    async def rows(self, sql: str, *arguments: object) -> list[dict[str, Any]]:
        """Return the rows of one query on a new connection."""
        connection = await asyncpg.connect(
            self.dsn, server_settings={"default_transaction_read_only": "on"}
        )
        try:
            return [dict(row) for row in await connection.fetch(sql, *arguments)]
        finally:
            await connection.close()

    async def row(self, sql: str, *arguments: object) -> dict[str, Any]:
        """Return the only row of a query, or raise Unexpected for another number of rows."""
        rows = await self.rows(sql, *arguments)
        if len(rows) != 1:
            raise Unexpected("one row", f"{len(rows)} rows of {' '.join(sql.split())}")
        return rows[0]

    async def until(
        self, sql: str, *arguments: object, so: Callable[[dict[str, Any]], bool], expected: str
    ) -> dict[str, Any]:
        """Repeat a query until `so` is true for its only row, and return this row.

        After PATIENCE seconds, raises Unexpected with the text `expected`.
        """
        deadline = time.monotonic() + PATIENCE
        while True:
            rows = await self.rows(sql, *arguments)
            if len(rows) == 1 and so(rows[0]):
                return rows[0]
            if time.monotonic() >= deadline:
                raise Unexpected(expected, "; ".join(map(_describe_row, rows)) or "no row")
            await asyncio.sleep(_POLL_INTERVAL)

    async def check(self, check: Check) -> Result:
        """Run one check, and count the checked rows and the wrong rows."""
        offending = len(await self.rows(check.sql))
        counted = await self.row(f"SELECT COUNT(*) AS n FROM {check.table}")  # noqa: S608 - a constant
        return Result(check, offending, counted["n"])

    async def check_all(self, checks: tuple[Check, ...]) -> list[Result]:
        """Run several checks, and raise Unexpected if a row breaks a rule."""
        results = [await self.check(check) for check in checks]
        if broken := [result for result in results if result.offending]:
            raise Unexpected(
                "no offending row",
                "; ".join(f"{result.offending}: {result.check.name}" for result in broken),
            )
        return results


def _describe_row(row: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in row.items())
