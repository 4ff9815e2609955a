"""Judge a chaos run: `python -I oracle.py DSN PUBLISHED BROKEN STARS STOPS STANDING DELETIONS`.

Prints a JSON object.

The program imports none of the product's code. The channel and the text of a message identify the
placement.
"""

import asyncio
import json
import sys
from collections import Counter, defaultdict
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg

PLACEMENTS = """
    WITH paid AS (
        SELECT reference_id, count(*) AS payouts FROM ledger_entries
        WHERE reason = 'payout' GROUP BY reference_id
    ), moved AS (
        SELECT reference_id, count(*) FILTER (WHERE reason = 'refund') AS refunds,
            count(*) FILTER (WHERE reason = 'escrow_hold') AS holds
        FROM ledger_transfers WHERE reason IN ('refund', 'escrow_hold') GROUP BY reference_id
    ), ever_uncertain AS (
        SELECT DISTINCT (metadata->>'target_id')::bigint AS id
        FROM user_audit_logs WHERE action = 'post_uncertain'
    ), paid_notices AS (
        SELECT (payload->>'target_id')::bigint AS id,
            coalesce((payload->>'alterations')::int, 0) = 0
                AND coalesce((payload->>'unclear')::int, 0) = 0
                AND coalesce((payload->>'decided')::int, 0) = 0
                AND coalesce((payload->>'unchecked_minutes')::int, 0) = 0 AS said_stayed
        FROM outbox WHERE kind = 'target_paid' AND payload->>'to' = 'advertiser'
    ), cards AS (
        SELECT DISTINCT (payload->>'target_id')::bigint AS id
        FROM outbox WHERE kind = 'post_uncertain' AND user_id IS NULL
    ), decided AS (
        SELECT DISTINCT campaign_target_id AS id FROM complaints WHERE outcome = 'refunded'
    )
    SELECT t.id, ch.chat_id, t.status AS target,
        coalesce(
            coalesce(t.creative, c.creative)->'items'->0, t.creative, c.creative)->>'text' AS text,
        coalesce(jsonb_array_length(coalesce(t.creative, c.creative)->'items'), 1) AS messages,
        j.status AS job, j.message_id, j.other_message_ids AS other_ids, j.removed_message_id,
        e.status AS escrow, e.amount,
        coalesce(paid.payouts, 0) AS payouts, coalesce(moved.refunds, 0) AS refunds,
        coalesce(moved.holds, 0) AS holds, ever_uncertain.id IS NOT NULL AS was_uncertain,
        t.cancelled_at IS NOT NULL AS cancelled, decided.id IS NOT NULL AS refund_decided,
        cards.id IS NOT NULL AS on_card, coalesce(paid_notices.said_stayed, false) AS said_stayed
    FROM campaign_targets t
    JOIN campaigns c ON c.id = t.campaign_id
    JOIN channels ch ON ch.id = t.channel_id
    LEFT JOIN post_jobs j ON j.campaign_target_id = t.id
    LEFT JOIN escrows e ON e.campaign_target_id = t.id
    LEFT JOIN paid ON paid.reference_id = t.id
    LEFT JOIN moved ON moved.reference_id = t.id
    LEFT JOIN ever_uncertain ON ever_uncertain.id = t.id
    LEFT JOIN cards ON cards.id = t.id
    LEFT JOIN decided ON decided.id = t.id
    LEFT JOIN paid_notices ON paid_notices.id = t.id
    WHERE t.status <> 'pending'
        -- These ended before anybody held money for them.
        AND NOT (t.status IN ('withdrawn', 'rejected', 'expired') AND j.id IS NULL AND e.id IS NULL)
"""
DEPOSITS = """
    SELECT d.external_reference AS charge_id, u.telegram_id, d.amount, d.currency, d.status,
        c.amount AS taken_back, c.recovered, c.loss
    FROM deposits d JOIN users u ON u.id = d.user_id LEFT JOIN clawbacks c ON c.deposit_id = d.id
    WHERE d.source = 'stars'
"""
PEOPLE = """
    SELECT u.telegram_id,
        (SELECT coalesce(-sum(balance), 0) FROM wallets
            WHERE kind = 'external' AND counterparty_id = u.id) AS outside,
        (SELECT coalesce(-sum(balance), 0) FROM wallets
            WHERE kind = 'loss' AND counterparty_id = u.id) AS loss,
        (SELECT coalesce(sum(amount), 0) FROM deposits
            WHERE user_id = u.id AND source <> 'stars') AS other_payments,
        (SELECT coalesce(sum(amount - fee), 0) FROM withdrawals
            WHERE user_id = u.id AND status = 'paid') AS withdrawn
    FROM users u
"""
REMOVALS = """
    SELECT j.campaign_target_id AS id, ch.chat_id,
        array_prepend(j.message_id, j.other_message_ids) AS message_ids, r.status,
        coalesce(r.claim_no, 0) AS claims, e.status AS escrow
    FROM post_jobs j JOIN channels ch ON ch.id = j.channel_id
    JOIN escrows e ON e.campaign_target_id = j.campaign_target_id
    LEFT JOIN removals r ON r.post_job_id = j.id
    WHERE j.status = 'success'
"""
TRANSFERS = "SELECT id, reason, created_at FROM ledger_transfers"
SWITCHES = {
    "deposit": "deposits",
    "escrow_hold": "new_escrows",
    "payout": "payouts",
    "refund": "refunds",
    "withdrawal_hold": "withdrawals",
}
"""The kill switch that must run for a transfer, by the reason of the transfer."""
BOOK_CHECKS = {
    "a wallet is not the sum of its entries": """
        SELECT w.id FROM wallets w LEFT JOIN ledger_entries l ON l.wallet_id = w.id
        GROUP BY w.id, w.balance HAVING w.balance <> coalesce(sum(l.amount), 0)
    """,
    "a transfer does not sum to zero": """
        SELECT transfer_id FROM ledger_entries GROUP BY transfer_id HAVING sum(amount) <> 0
    """,
    "an escrow's wallet holds something else": """
        SELECT e.id FROM escrows e JOIN wallets w ON w.id = e.wallet_id
        WHERE w.balance <> CASE e.status WHEN 'held' THEN e.amount ELSE 0 END
    """,
    "a wallet is overdrawn": """
        SELECT id FROM wallets WHERE balance < 0 AND kind NOT IN ('external', 'loss')
    """,
    "a post without its owner's acceptance": """
        SELECT j.id FROM post_jobs j JOIN campaign_targets t ON t.id = j.campaign_target_id
        LEFT JOIN placement_answers a ON a.campaign_target_id = t.id AND a.version = t.version
        WHERE t.answer_due_at IS NULL OR a.answer IS DISTINCT FROM 'accepted'
    """,
    "an answer of somebody who was no manager": """
        SELECT a.id FROM placement_answers a JOIN campaign_targets t ON t.id = a.campaign_target_id
        WHERE a.answered_by <> t.owner_id AND NOT EXISTS (
            SELECT FROM channel_managers m WHERE m.channel_id = t.channel_id
                AND m.owner_id = t.owner_id AND m.user_id = a.answered_by
                AND m.named_at <= a.created_at)
    """,
    "two jobs for one message": """
        SELECT channel_id FROM post_jobs WHERE message_id IS NOT NULL
        GROUP BY channel_id, message_id HAVING count(*) > 1
    """,
}
OPEN = ("queued", "sending")
OPEN_REMOVALS = ("planned", "deleting", "uncertain")
ALTERING = {"edit", "replace_media"}
DELETE = "delete"
Json = dict[str, Any]
Acts = dict[tuple[int, int], set[str]]
"""The acts with which owners broke promises, by the ids of the channel and the message."""


Posts = dict[tuple[int, str], list[list[int]]]
"""The published posts, by channel and text. Each has the ids of its messages."""


def judge(placements: list[Json], published: Posts, broken: Acts) -> Json:
    """Count the mistakes of each kind, with the ids of up to ten placements for each.

    Of an album, the text is that of its first message, and all its messages are one post.
    """
    findings: dict[str, list[int]] = defaultdict(list)
    known = {(row["chat_id"], row["text"]) for row in placements}
    channels_with_uncertain = {row["chat_id"] for row in placements if row["job"] == "uncertain"}
    for row in placements:
        ids = _without_removed(row, published.get((row["chat_id"], row["text"]), []), broken)
        findings["duplicates"] += [row["id"]] * (len(ids) - 1)
        if row["job"] == "queued" and row["chat_id"] in channels_with_uncertain:
            findings["queued_behind_uncertain"].append(row["id"])
        elif _lost(row, ids):
            findings["lost"].append(row["id"])
        acts = broken.get((row["chat_id"], row["message_id"]), set())
        if acts & ALTERING and row["payouts"] and row["said_stayed"]:
            findings["altered_paid_as_stayed"].append(row["id"])
        if _moved_on_unknown(row, ids, acts):
            findings["moved_on_unknown"].append(row["id"])
        if row["cancelled"] and (ids or row["job"] != "cancelled"):
            findings["cancelled_and_published"].append(row["id"])
        if _contradicts_itself(row):
            findings["contradictions"].append(row["id"])
        if row["job"] == "uncertain":
            findings["unresolved"].append(row["id"])
    uncertain = [row for row in placements if row["was_uncertain"]]
    resolved_alone = [row for row in uncertain if row["job"] != "uncertain" and not row["on_card"]]
    unknown = sum(len(ids) for key, ids in published.items() if key not in known)
    return {
        "targets": len(placements),
        "published": sum(map(len, published.values())),
        "albums": sum(len(post) > 1 for posts in published.values() for post in posts),
        "duplicates": len(findings["duplicates"]) + unknown,
        "lost": len(findings["lost"]),
        "moved_on_unknown": len(findings["moved_on_unknown"]),
        "altered_paid_as_stayed": len(findings["altered_paid_as_stayed"]),
        "cancelled_and_published": len(findings["cancelled_and_published"]),
        "contradictions": len(findings["contradictions"]),
        "unresolved": len(findings["unresolved"]),
        "queued_behind_uncertain": len(findings["queued_behind_uncertain"]),
        "on_a_card": sum(row["on_card"] for row in placements),
        "ever_uncertain": len(uncertain),
        "resolved_without_person_share": len(resolved_alone) / len(uncertain) if uncertain else 1.0,
        "paid": sum(row["payouts"] for row in placements),
        "cancelled": sum(row["cancelled"] for row in placements),
        "refunded": sum(row["refunds"] for row in placements),
        "examples": {name: ids[:10] for name, ids in findings.items() if ids},
    }


def _without_removed(row: Json, ids: list[list[int]], broken: Acts) -> list[list[int]]:
    """Return the posts without one that was published again after its owner had deleted it."""
    removed = row["removed_message_id"]
    deleted = DELETE in broken.get((row["chat_id"], removed), set())
    return [each for each in ids if each[0] != removed or not deleted]


def _lost(row: Json, ids: list[list[int]]) -> bool:
    """Return True if the post of an approved placement is lost, or a message of its album."""
    if row["job"] is None or row["job"] in OPEN:
        return True
    known = [row["message_id"], *row["other_ids"]]
    return row["job"] == "success" and (known not in ids or len(known) != row["messages"])


def _moved_on_unknown(row: Json, ids: list[list[int]], acts: set[str]) -> bool:
    """Return True if money moved without a justification by the messages in the channel."""
    if row["job"] == "uncertain":
        return bool(row["payouts"] or row["refunds"])
    refund_justified = acts or row["refund_decided"]
    return bool((row["payouts"] and not ids) or (row["refunds"] and ids and not refund_justified))


def _contradicts_itself(row: Json) -> bool:
    """Return True if the ledger, the escrow and the placement contradict each other."""
    expected = {
        "held": (1, 0, 0, "approved"),
        "released": (1, 1, 0, "posted"),
        "refunded": (1, 0, 1, "refunded"),
    }.get(row["escrow"])
    if row["cancelled"] and row["escrow"] != "refunded":
        return True
    return expected != (row["holds"], row["payouts"], row["refunds"], row["target"])


def judge_charges(transactions: list[Json], deposits: list[Json], people: list[Json]) -> Json:
    """Count the differences between Telegram's list and the books, with up to ten examples."""
    paid = {row["id"]: row for row in transactions if "source" in row}
    refunded = {row["id"] for row in transactions if "receiver" in row}
    wrong = {row["charge_id"] for row in deposits} ^ set(paid)
    outside: dict[int, int] = defaultdict(int)
    losses: dict[int, int] = defaultdict(int)
    for charge_id, charge in paid.items():
        if charge_id not in refunded:
            outside[charge["source"]["user"]["id"]] += charge["amount"]
    for row in deposits:
        losses[row["telegram_id"]] += row["loss"] or 0
        if row["charge_id"] in paid and not _is_booked(
            row, paid[row["charge_id"]], refunded=row["charge_id"] in refunded
        ):
            wrong.add(row["charge_id"])
    unequal = [
        row["telegram_id"]
        for row in people
        if row["outside"] != outside[row["telegram_id"]] + row["other_payments"] - row["withdrawn"]
        or row["loss"] != losses[row["telegram_id"]]
    ]
    return {
        "charges": len(paid),
        "refunded_charges": len(refunded),
        "lost_amount": sum(losses.values()),
        "charges_unlike_books": len(wrong) + len(unequal),
        "examples_of_charges": [*sorted(wrong), *unequal][:10],
    }


def _is_booked(deposit: Json, charge: Json, *, refunded: bool) -> bool:
    """Return whether a deposit agrees with the payment in Telegram's list."""
    payer, amount = charge["source"]["user"]["id"], charge["amount"]
    if (deposit["telegram_id"], deposit["amount"], deposit["currency"]) != (payer, amount, "XTR"):
        return False
    if not refunded:
        return deposit["status"] == "credited" and deposit["taken_back"] is None
    if deposit["status"] == "returned":
        return deposit["taken_back"] is None
    moved = (deposit["recovered"] or 0) + (deposit["loss"] or 0)
    taken_back = deposit["taken_back"] == amount and moved in {0, amount}
    return bool(deposit["status"] == "clawed_back" and taken_back)


def judge_stops(transfers: list[Json], stops: list[Json]) -> Json:
    """Count the transfers that were made while their kill switch was certainly stopped."""
    times = defaultdict(list)
    for stop in stops:
        since, until = map(datetime.fromisoformat, (stop["since"], stop["until"]))
        times[stop["switch"]].append((since, until))
    wrong = [
        row["id"]
        for row in transfers
        for since, until in times[SWITCHES.get(row["reason"], "")]
        if since < row["created_at"] < until
    ]
    return {"moved_while_stopped": len(wrong), "examples_of_stops": wrong[:10]}


def judge_removals(
    posts: list[Json], standing: dict[int, set[int]], requests: dict[int, int]
) -> Json:
    """Compare the removals with the channels. `requests` counts the deletions asked in each chat.

    A post is gone only if its removal is done and its owner was paid. A removal that Telegram may
    have refused proves nothing. No chat gets more requests than there were claims.
    """
    wrong = []
    claims: dict[int, int] = defaultdict(int)
    for row in posts:
        claims[row["chat_id"]] += row["claims"]
        left = [each for each in row["message_ids"] if each in standing[row["chat_id"]]]
        is_done = row["status"] == "done"
        is_unpaid = is_done and row["escrow"] != "released"
        is_unlike = row["status"] != "refused" and left != ([] if is_done else row["message_ids"])
        if row["status"] in OPEN_REMOVALS or is_unpaid or is_unlike:
            wrong.append(row["id"])
    wrong += [chat_id for chat_id, number in requests.items() if number > claims[chat_id]]
    return {
        "posts_taken_down": sum(row["status"] == "done" for row in posts),
        "removals_unlike_channels": len(wrong),
        "examples_of_removals": wrong[:10],
    }


def read(path: Path) -> Posts:
    """Return the published posts, by channel and text."""
    posts: Posts = defaultdict(list)
    albums: dict[str, list[int]] = {}
    for line in path.read_text().splitlines():
        entry = json.loads(line)
        album = entry.get("media_group_id")
        if album in albums:
            albums[album].append(entry["message_id"])
            continue
        post = [entry["message_id"]]
        posts[entry["chat_id"], entry.get("text") or entry["caption"]].append(post)
        if album is not None:
            albums[album] = post
    return posts


def read_acts(path: Path) -> Acts:
    """Return the acts with which owners broke promises, by channel and message id."""
    acts: Acts = defaultdict(set)
    for line in path.read_text().splitlines():
        entry = json.loads(line)
        acts[entry["chat_id"], entry["message_id"]].add(entry["act"])
    return acts


def read_stops(path: Path) -> list[Json]:
    """Return the times at which kill switches were stopped, from a log."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def read_transactions(path: Path) -> list[Json]:
    """Return Telegram's list of payments and refunds from a JSON file."""
    listed: list[Json] = json.loads(path.read_text())
    return listed


def read_standing(path: Path) -> dict[int, set[int]]:
    """Return the ids of the messages that are left in each channel."""
    return {int(chat_id): set(ids) for chat_id, ids in json.loads(path.read_text()).items()}


def count_requests(path: Path) -> dict[int, int]:
    """Return how often the bot asked to delete a message of each channel."""
    return Counter(json.loads(line)["chat_id"] for line in path.read_text().splitlines())


async def main(
    dsn: str,
    path: Path,
    acts_path: Path,
    stars_path: Path,
    stops_path: Path,
    standing_path: Path,
    deletions_path: Path,
) -> None:
    """Compare one snapshot of the database with the logs, and print the verdict."""
    connection = await asyncpg.connect(dsn)
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        rows = [dict(row) for row in await connection.fetch(PLACEMENTS)]
        deposits = [dict(row) for row in await connection.fetch(DEPOSITS)]
        people = [dict(row) for row in await connection.fetch(PEOPLE)]
        transfers = [dict(row) for row in await connection.fetch(TRANSFERS)]
        removals = [dict(row) for row in await connection.fetch(REMOVALS)]
        broken = {name: len(await connection.fetch(sql)) for name, sql in BOOK_CHECKS.items()}
    await connection.close()
    verdict = judge(rows, read(path), read_acts(acts_path))
    verdict |= judge_charges(read_transactions(stars_path), deposits, people)
    verdict |= judge_stops(transfers, read_stops(stops_path))
    requests = count_requests(deletions_path)
    verdict |= judge_removals(removals, read_standing(standing_path), requests)
    verdict["invariant_violations"] = sum(broken.values()) + verdict.pop("contradictions")
    verdict["broken_books"] = {name: number for name, number in broken.items() if number}
    sys.stdout.write(json.dumps(verdict) + "\n")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], *map(Path, sys.argv[2:])))
