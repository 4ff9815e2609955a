"""The money core beside plain SQL: `make bench-ledger`, or `python -m tests.benchmarks.ledger`.

Prints a table and writes build/bench-ledger.json; docs/performance.md says how to read it. Ratios
within one run count, never a time alone: machines differ, and this one may be busy. With `--quick`
everything is smaller, and the figures go to build/bench-ledger-quick.json.
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random

import asyncpg

from db.models.money import Reason
from db.session import Sessions, create_engine, create_sessions
from sandbox import embedded
from services.money import escrow, ledger
from services.money.ledger import Leg
from tests.benchmarks import checks, market, scripts
from tests.embedded_fixture import clone_database, drop_database

EMPTY_DATABASE = "adtech_empty"
LARGE_DATABASE = "adtech_large"


@dataclass(frozen=True)
class Plan:
    """How much is done."""

    rounds: int
    approvals: Mapping[int, int]
    """Per round, by the number of tasks."""
    transfers: int
    small: int
    large: int
    """Placements that are settled already."""
    entries: tuple[int, int]
    """Sizes of the ledger that is checked."""

    @property
    def pending(self) -> int:
        """Enough placements to approve for every part."""
        return 2 * self.rounds * 3 * sum(self.approvals.values())


WHOLE = Plan(5, {1: 300, 8: 1_200, 32: 1_200}, 4_000, 1_000, 1_000_000, (1_000_000, 10_000_000))
QUICK = Plan(3, {1: 100, 8: 600, 32: 600}, 1_000, 1_000, 20_000, (100_000, 500_000))


async def approvals(
    server: embedded.Postgres, sessions: Sessions, plan: Plan, first: int, own: Path
) -> tuple[dict[str, float], int]:
    """(a) Rounds that alternate between the service, the plain script and its own statements."""
    figures: dict[str, float] = {}
    for tasks, count in plan.approvals.items():
        plain_ratio, own_ratio, rates, p95 = [], [], [], []
        for _ in range(plan.rounds):
            rate = await market.crowd(
                sessions, range(first, first + count), tasks, partial(market.approve, sessions)
            )
            first += count
            plain, replayed = [
                await asyncio.to_thread(
                    scripts.run,
                    server,
                    role,
                    script,
                    first=first + place * count,
                    count=count,
                    clients=tasks,
                )
                for place, (role, script) in enumerate(
                    ((embedded.OWNER, scripts.PLAIN), (embedded.APP, own))
                )
            ]
            first += 2 * count
            plain_ratio.append(rate.per_second / plain)
            own_ratio.append(rate.per_second / replayed)
            rates.append(rate.per_second)
            p95.append(rate.p95_ms)
        figures |= {
            f"approve_ratio_{tasks}": statistics.median(plain_ratio),
            f"approve_own_ratio_{tasks}": statistics.median(own_ratio),
            f"approve_per_s_{tasks}": statistics.median(rates),
            f"approve_p95_ms_{tasks}": statistics.median(p95),
        }
    return figures, first


async def transfers(owner_url: str, sessions: Sessions, wallets: int, count: int) -> float:
    """(b) Transfers a second between so many wallets, at 8 tasks."""
    signed = await _signed(owner_url, wallets, count)

    async def act(number: int) -> None:
        correction_id, giver, taker = signed[number]
        async with sessions.begin() as session:
            await ledger.post(
                session,
                key=f"correction:{correction_id}",
                reason=Reason.ADJUSTMENT,
                reference_id=correction_id,
                legs=[Leg(giver, -1, Reason.ADJUSTMENT), Leg(taker, 1, Reason.ADJUSTMENT)],
            )

    return (await market.crowd(sessions, range(count), 8, act)).per_second


async def _signed(url: str, wallets: int, count: int) -> list[tuple[int, int, int]]:
    """Write the adjustments that the transfers will be compared with; return ids and wallets."""
    owner = await asyncpg.connect(url)
    dice = Random(wallets)  # noqa: S311 - a workload, not a secret
    try:
        found = await owner.fetch(
            "SELECT id FROM wallets WHERE kind = 'external' ORDER BY id LIMIT $1", wallets
        )
        ids = [row["id"] for row in found]
        pairs = [dice.sample(ids, 2) for _ in range(count)]
        async with owner.transaction():
            # Only here they are done at once, and before their money has moved.
            await owner.execute("ALTER TABLE corrections DISABLE TRIGGER USER")
            rows = await owner.fetch(
                "INSERT INTO corrections (kind, wallet_id, other_wallet_id, amount, status,"
                " proposed_by, reason, confirmed_by, confirm_reason, done_at)"
                " SELECT 'adjustment', giver, taker, 1, 'done', 1, 'bench', 2, 'bench', now()"
                " FROM unnest($1::bigint[], $2::bigint[]) AS pair (giver, taker)"
                " RETURNING id, wallet_id, other_wallet_id",
                [giver for giver, _ in pairs],
                [taker for _, taker in pairs],
            )
            await owner.execute("ALTER TABLE corrections ENABLE TRIGGER USER")
    finally:
        await owner.close()
    return [(row["id"], row["wallet_id"], row["other_wallet_id"]) for row in rows]


async def releases(url: str, sessions: Sessions, tasks: int) -> float:
    """(c) Releases of owners who are paid again and again, beside those of owners paid once.

    Of the latter no two have a wallet in common, neither the owner's nor the fee's: this is more
    than the fee's wallet alone could cost. Two rounds, in either order.
    """
    crowded, lonely = await _releasable(url)

    async def act(target_id: int) -> None:
        async with sessions.begin() as session:
            await escrow.release(session, target_id=target_id)

    ratios = []
    half = len(lonely) // 2
    for part in (slice(0, half), slice(half, 2 * half)):
        piles = [crowded[part], lonely[part]]
        if part.start:
            piles.reverse()
        rates = [(await market.crowd(sessions, pile, tasks, act)).per_second for pile in piles]
        if part.start:
            rates.reverse()
        ratios.append(rates[0] / rates[1])
    return statistics.mean(ratios)


async def _releasable(url: str) -> tuple[list[int], list[int]]:
    """Bring approved placements to where they can be released; each owner's first apart."""
    owner = await asyncpg.connect(url)
    try:
        await owner.execute(
            "ALTER TABLE post_jobs DISABLE TRIGGER allowed_move;"
            " UPDATE post_jobs SET status = 'success', message_id = id WHERE status = 'queued';"
            " ALTER TABLE post_jobs ENABLE TRIGGER allowed_move"
        )
        await owner.execute(
            "UPDATE escrows SET release_due_at = now() - interval '1 hour' WHERE status = 'held'"
        )
        rows = await owner.fetch(
            "SELECT e.campaign_target_id AS id, row_number() OVER (PARTITION BY t.owner_id) = 1"
            " AS first FROM escrows e JOIN campaign_targets t ON t.id = e.campaign_target_id"
            " WHERE e.status = 'held' ORDER BY e.id"
        )
    finally:
        await owner.close()
    lonely = [row["id"] for row in rows if row["first"]]
    crowded = [row["id"] for row in rows if not row["first"]]
    return crowded[: len(lonely)], lonely


async def scale(plan: Plan, small: tuple[Sessions, int], large: tuple[Sessions, int]) -> float:
    """(e) Approvals among a million settled placements, beside those among a thousand."""
    count, ratios = plan.approvals[8], []
    for number in range(plan.rounds):
        rates = [
            (
                await market.crowd(
                    sessions,
                    range(first + number * count, first + (number + 1) * count),
                    8,
                    partial(market.approve, sessions),
                )
            ).per_second
            for sessions, first in (small, large)
        ]
        ratios.append(rates[1] / rates[0])
    return statistics.median(ratios)


async def measure(folder: Path, plan: Plan) -> dict[str, float]:
    """Run everything on one durable server of its own; (d), the checks, last."""
    server = await embedded.start_postgres(folder / "postgres", settings=checks.SERVER)
    try:
        market.migrate(server)
        for name in (EMPTY_DATABASE, LARGE_DATABASE):
            await clone_database(server, embedded.DATABASE, name)
        own = folder / "own.pgbench.sql"
        own.write_text(scripts.own_statements())
        figures = await _market(server, own, plan)
        show(figures)
        await drop_database(server, LARGE_DATABASE)
        checked = await checks.measure(server, EMPTY_DATABASE, plan.entries)
        show(checked)
        return figures | checked
    finally:
        await server.stop()


async def _market(server: embedded.Postgres, own: Path, plan: Plan) -> dict[str, float]:
    """Measure what a market does: approvals, releases, transfers."""
    owner_url = server.dsn(embedded.OWNER)
    checks.say(f"loading {plan.small:,} and {plan.large:,} placements")
    first = await market.fill(owner_url, pending=plan.pending, history=plan.small)
    large_first = await market.fill(
        server.dsn(embedded.OWNER, LARGE_DATABASE), pending=plan.pending, history=plan.large
    )
    engines = [
        create_engine(server.dsn(embedded.APP, name))
        for name in (embedded.DATABASE, LARGE_DATABASE)
    ]
    sessions, large_sessions = map(create_sessions, engines)
    checks.say("approvals")
    figures, first = await approvals(server, sessions, plan, first, own)
    checks.say("approvals among more placements")
    figures["approve_scale_ratio"] = await scale(
        plan, (sessions, first), (large_sessions, large_first)
    )
    checks.say("releases")
    for tasks in (8, 32):
        figures[f"release_shared_ratio_{tasks}"] = await releases(owner_url, sessions, tasks)
    figures["release_shared_ratio"] = min(
        figures["release_shared_ratio_8"], figures["release_shared_ratio_32"]
    )
    checks.say("transfers")
    for wallets in (50, 2):
        figures[f"transfers_per_s_{wallets}"] = await transfers(
            owner_url, sessions, wallets, plan.transfers
        )
    for engine in engines:
        await engine.dispose()
    return figures


def show(figures: Mapping[str, float]) -> None:
    """Print figures as soon as they are known: a run takes long."""
    for key, value in figures.items():
        sys.stdout.write(f"{key:36} {value:10.3f}\n")
    sys.stdout.flush()


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="some minutes, smaller databases")
    parser.add_argument("--folder", type=Path, help="for the databases, some 8 GB meanwhile")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        figures = asyncio.run(measure(Path(folder), QUICK if chosen.quick else WHOLE))
    name = "bench-ledger-quick.json" if chosen.quick else "bench-ledger.json"
    out = market.ROOT / "build" / name
    out.parent.mkdir(exist_ok=True)
    out.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
