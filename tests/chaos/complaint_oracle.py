"""Judge the complaints of a chaos run: `python -I complaint_oracle.py DSN`. Prints a JSON object.

The program imports none of the product's code.
"""

import asyncio
import json
import sys
from collections import Counter
from itertools import pairwise
from typing import Any

import asyncpg

COMPLAINTS = """
    SELECT c.id, c.outcome, c.created_at, c.closed_at, c.appealed_by IS NOT NULL AS appealed,
        c.owner_accepts AND c.advertiser_accepts AS accepted,
        (SELECT array_agg(s.kind ORDER BY s.id) FROM complaint_steps s
            WHERE s.complaint_id = c.id) AS steps,
        (SELECT array_agg(l.created_at) FROM ledger_transfers l
            WHERE l.reference_id = c.campaign_target_id AND l.reason IN ('payout', 'refund')
            ) AS moved_at
    FROM complaints c
"""
SETTLEMENTS = """
    WITH parts AS (
        SELECT transfer.reference_id AS id,
            coalesce(wallet.user_id, -wallet.counterparty_id) AS person, sum(entry.amount) AS amount
        FROM ledger_transfers transfer
        JOIN ledger_entries entry ON entry.transfer_id = transfer.id
        JOIN wallets wallet ON wallet.id = entry.wallet_id
        WHERE transfer.reason IN ('payout', 'refund') AND wallet.kind IN ('user', 'revenue')
        GROUP BY 1, 2
    ), decided AS (
        SELECT campaign_target_id AS id, outcome, owner_percent FROM complaints
        WHERE outcome IN ('released', 'refunded', 'split')
    )
    SELECT t.id, t.owner_id, a.advertiser_id, e.amount, t.fee_bps, e.status, decided.outcome,
        coalesce(decided.owner_percent, 100) AS owner_percent,
        (SELECT jsonb_object_agg(person, amount) FROM parts WHERE parts.id = t.id)::text AS parts
    FROM escrows e JOIN campaign_targets t ON t.id = e.campaign_target_id
    JOIN campaigns a ON a.id = t.campaign_id LEFT JOIN decided ON decided.id = t.id
    WHERE e.status <> 'held'
"""
"""The query for the parts of the settled escrows. The platform has the owner's negative id."""
Json = dict[str, Any]


def judge_complaints(complaints: list[Json], settlements: list[Json]) -> Json:
    """Count what happened in the complaints, and the mistakes about them and their money."""
    happened: Counter[str] = Counter()
    for row in complaints:
        happened.update(_events(row))
    unended = [row["id"] for row in complaints if row["closed_at"] is None]
    settled = [
        row["id"]
        for row in complaints
        for at in row["moved_at"] or []
        if row["created_at"] < at and (row["closed_at"] is None or at < row["closed_at"])
    ]
    wrong = [row["id"] for row in settlements if not _is_shared(row)]
    return {
        "complaints": dict(sorted(happened.items())),
        "complaints_without_end": len(unended),
        "settled_despite_complaint": len(settled),
        "parts_unlike_decisions": len(wrong),
        "examples_of_complaints": {"unended": unended[:10], "settled": settled[:10]},
        "examples_of_parts": wrong[:10],
    }


def _events(complaint: Json) -> set[str]:
    """Return the names of what happened in a complaint."""
    steps: list[str] = complaint["steps"]
    events = set(steps) - {"timed_out"} | {complaint["outcome"]} - {None}
    for earlier, step in pairwise(steps):
        if step == "timed_out" and earlier == "opened":
            events.add("silent owner")
    if steps[-1] == "timed_out" and complaint["appealed"]:
        events.add("appeal without an answer")
    if steps[-1] == "ended" and not complaint["appealed"]:
        events.add("both accepted" if complaint["accepted"] else "appeal time ended")
    if steps.count("decided") > 1:
        events.add("appeal decided")
    return events


def _is_shared(settlement: Json) -> bool:
    """Return whether each person has got exactly the part of a decision, or else of the rule."""
    owner, advertiser = settlement["owner_id"], settlement["advertiser_id"]
    amount = settlement["amount"]
    is_release = settlement["status"] == "released"
    if is_release and settlement["outcome"] == "refunded":
        return False
    kept = amount * settlement["owner_percent"] // 100 if is_release else 0
    fee = kept * settlement["fee_bps"] // 10_000
    expected: Counter[int] = Counter({-owner: fee})
    expected[owner] += kept - fee
    expected[advertiser] += amount - kept
    given = {int(person): part for person, part in json.loads(settlement["parts"] or "{}").items()}
    return given == {person: part for person, part in expected.items() if part}


async def main(dsn: str) -> None:
    """Read one snapshot of the database, and print the verdict."""
    connection = await asyncpg.connect(dsn)
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        complaints = [dict(row) for row in await connection.fetch(COMPLAINTS)]
        settlements = [dict(row) for row in await connection.fetch(SETTLEMENTS)]
    await connection.close()
    sys.stdout.write(json.dumps(judge_complaints(complaints, settlements)) + "\n")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
