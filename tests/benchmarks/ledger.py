"""Compare the services that move money with plain SQL: `python -m tests.benchmarks.ledger`.

Prints a table, and writes build/bench-ledger.json. docs/performance.md explains the figures. Only
compare figures within one run. With `--quick`, every part is smaller, and the figures go to
build/bench-ledger-quick.json.
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
    """The amount of work in each part of the benchmark."""

    rounds: int
    approvals: Mapping[int, int]
    """The number of approvals in each round, by the number of concurrent tasks."""
    transfers: int
    small: int
    large: int
    """The number of settled placements in the small database and in the large database."""
    entries: tuple[int, int]
    """The sizes of the two checked ledgers, in entries."""

    @property
    def pending(self) -> int:
        """The number of pending placements that all approvals need."""
        return 2 * self.rounds * 3 * sum(self.approvals.values())


FULL = Plan(5, {1: 300, 8: 1_200, 32: 1_200}, 4_000, 1_000, 1_000_000, (1_000_000, 10_000_000))
QUICK = Plan(3, {1: 100, 8: 600, 32: 600}, 1_000, 1_000, 20_000, (100_000, 500_000))


async def approvals(
    server: embedded.Postgres, sessions: Sessions, plan: Plan, first: int, own_script: Path
) -> tuple[dict[str, float], int]:
    """Measure approvals by the service, by plain SQL, and by the service's own SQL.

    Returns the figures by name, and the id of the next pending placement.
    """
    figures: dict[str, float] = {}
    for tasks, count in plan.approvals.items():
        plain_ratio, own_ratio, rates, p95 = [], [], [], []
        for _ in range(plan.rounds):
            rate = await market.run_tasks(
                sessions, range(first, first + count), tasks, partial(market.approve, sessions)
            )
            first += count
            plain, replayed = [
                await asyncio.to_thread(
                    scripts.run,
                    server,
                    role,
                    script,
                    first=first + position * count,
                    count=count,
                    clients=tasks,
                )
                for position, (role, script) in enumerate(
                    ((embedded.OWNER, scripts.PLAIN), (embedded.APP, own_script))
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
    """Return the transfers per second of 8 concurrent tasks.

    `count` transfers move money between `wallets` wallets.
    """
    corrections = await _confirmed_corrections(owner_url, wallets, count)

    async def act(number: int) -> None:
        correction_id, from_wallet, to_wallet = corrections[number]
        async with sessions.begin() as session:
            await ledger.post(
                session,
                key=f"correction:{correction_id}",
                reason=Reason.ADJUSTMENT,
                reference_id=correction_id,
                legs=[
                    Leg(from_wallet, -1, Reason.ADJUSTMENT),
                    Leg(to_wallet, 1, Reason.ADJUSTMENT),
                ],
            )

    return (await market.run_tasks(sessions, range(count), 8, act)).per_second


async def _confirmed_corrections(url: str, wallets: int, count: int) -> list[tuple[int, int, int]]:
    """Insert a correction for each transfer. Return the correction's id and its two wallets."""
    owner = await asyncpg.connect(url)
    rng = Random(wallets)
    try:
        rows = await owner.fetch(
            "SELECT id FROM wallets WHERE kind = 'external' ORDER BY id LIMIT $1", wallets
        )
        ids = [row["id"] for row in rows]
        pairs = [rng.sample(ids, 2) for _ in range(count)]
        async with owner.transaction():
            # Triggers allow `done` only after the transfer. Here, the transfer comes later.
            await owner.execute("ALTER TABLE corrections DISABLE TRIGGER USER")
            rows = await owner.fetch(
                "INSERT INTO corrections (kind, wallet_id, other_wallet_id, amount, status,"
                " proposed_by, reason, confirmed_by, confirm_reason, done_at)"
                " SELECT 'adjustment', from_wallet, to_wallet, 1, 'done', 1, 'bench', 2, 'bench',"
                " now()"
                " FROM unnest($1::bigint[], $2::bigint[]) AS pair (from_wallet, to_wallet)"
                " RETURNING id, wallet_id, other_wallet_id",
                [from_wallet for from_wallet, _ in pairs],
                [to_wallet for _, to_wallet in pairs],
            )
            await owner.execute("ALTER TABLE corrections ENABLE TRIGGER USER")
    finally:
        await owner.close()
    return [(row["id"], row["wallet_id"], row["other_wallet_id"]) for row in rows]


async def releases(url: str, sessions: Sessions, tasks: int) -> float:
    """Return the rate of releases to the same owners, divided by the rate for different owners."""
    paid_often, paid_once = await _releasable(url)

    async def act(target_id: int) -> None:
        async with sessions.begin() as session:
            await escrow.release(session, target_id=target_id)

    ratios = []
    half = len(paid_once) // 2
    for part in (slice(0, half), slice(half, 2 * half)):
        groups = [paid_often[part], paid_once[part]]
        if part.start:
            groups.reverse()
        rates = [
            (await market.run_tasks(sessions, target_ids, tasks, act)).per_second
            for target_ids in groups
        ]
        if part.start:
            rates.reverse()
        ratios.append(rates[0] / rates[1])
    return statistics.mean(ratios)


async def _releasable(url: str) -> tuple[list[int], list[int]]:
    """Make the escrows of all approved placements due for release.

    Returns the ids of placements with repeated owners, and with different owners.
    """
    owner = await asyncpg.connect(url)
    try:
        await owner.execute(
            "ALTER TABLE post_jobs DISABLE TRIGGER allowed_move, DISABLE TRIGGER claimed;"
            " UPDATE post_jobs SET status = 'success', message_id = id,"
            " sent_at = now() - interval '1 hour' WHERE status = 'queued';"
            " ALTER TABLE post_jobs ENABLE TRIGGER allowed_move, ENABLE TRIGGER claimed"
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
    paid_once = [row["id"] for row in rows if row["first"]]
    paid_often = [row["id"] for row in rows if not row["first"]]
    return paid_often[: len(paid_once)], paid_once


async def scale(plan: Plan, small: tuple[Sessions, int], large: tuple[Sessions, int]) -> float:
    """Return the rate of approvals in a large database, divided by the rate in a small database."""
    count, ratios = plan.approvals[8], []
    for number in range(plan.rounds):
        rates = [
            (
                await market.run_tasks(
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
    """Run the whole benchmark on one server, and return the figures by name."""
    server = await embedded.start_postgres(folder / "postgres", settings=checks.SERVER)
    try:
        market.migrate(server)
        for name in (EMPTY_DATABASE, LARGE_DATABASE):
            await clone_database(server, embedded.DATABASE, name)
        own_script = folder / "own.pgbench.sql"
        own_script.write_text(scripts.own_statements())
        figures = await _market(server, own_script, plan)
        show(figures)
        await drop_database(server, LARGE_DATABASE)
        check_figures = await checks.measure(server, EMPTY_DATABASE, plan.entries)
        show(check_figures)
        return figures | check_figures
    finally:
        await server.stop()


async def _market(server: embedded.Postgres, own_script: Path, plan: Plan) -> dict[str, float]:
    """Measure everything except the checks of the ledger, and return the figures by name."""
    owner_url = server.dsn(embedded.OWNER)
    checks.show(f"loading {plan.small:,} and {plan.large:,} placements")
    first = await market.fill(owner_url, pending=plan.pending, history=plan.small)
    large_first = await market.fill(
        server.dsn(embedded.OWNER, LARGE_DATABASE), pending=plan.pending, history=plan.large
    )
    engines = [
        create_engine(server.dsn(embedded.APP, name))
        for name in (embedded.DATABASE, LARGE_DATABASE)
    ]
    sessions, large_sessions = map(create_sessions, engines)
    checks.show("approvals")
    figures, first = await approvals(server, sessions, plan, first, own_script)
    checks.show("approvals among more placements")
    figures["approve_scale_ratio"] = await scale(
        plan, (sessions, first), (large_sessions, large_first)
    )
    checks.show("releases")
    for tasks in (8, 32):
        figures[f"release_shared_ratio_{tasks}"] = await releases(owner_url, sessions, tasks)
    figures["release_shared_ratio"] = min(
        figures["release_shared_ratio_8"], figures["release_shared_ratio_32"]
    )
    checks.show("transfers")
    for wallets in (50, 2):
        figures[f"transfers_per_s_{wallets}"] = await transfers(
            owner_url, sessions, wallets, plan.transfers
        )
    for engine in engines:
        await engine.dispose()
    return figures


def show(figures: Mapping[str, float]) -> None:
    """Print figures immediately."""
    for key, value in figures.items():
        sys.stdout.write(f"{key:36} {value:10.3f}\n")
    sys.stdout.flush()


def main() -> None:
    """Run the benchmark, print the figures, and write them to a file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="smaller databases; takes a few minutes"
    )
    parser.add_argument(
        "--folder", type=Path, help="where the databases are kept meanwhile (about 8 GB)"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        figures = asyncio.run(measure(Path(folder), QUICK if options.quick else FULL))
    name = "bench-ledger-quick.json" if options.quick else "bench-ledger.json"
    out = market.ROOT / "build" / name
    out.parent.mkdir(exist_ok=True)
    out.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
