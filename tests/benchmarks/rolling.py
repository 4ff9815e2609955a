"""Measure how soon the rolling check finds an idle row that somebody has changed.

`python -m tests.benchmarks.rolling` fills a ledger with 10⁶ placements, runs the scheduler's own
check one tick after the other, and changes one row at a time as the owner of the tables, without
the triggers. Each row is changed right after the check has read it: the check needs a whole round
to find it. Prints a table, and writes build/bench-rolling.json.
"""

import argparse
import asyncio
import json
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import structlog

from db.session import Sessions, create_engine, create_sessions
from sandbox import embedded, logins
from scheduler import watchdogs
from tests.benchmarks import checks, market, placements, processor

PLACEMENTS = 1_000_000
QUICK = 20_000
_HOUR = 3_600
_NEVER = 2_000
"""So many ticks are too many: the check does not find the row."""


@dataclass
class Check:
    """The scheduler's check of one database, and what its ticks have cost."""

    sessions: Sessions
    owner: asyncpg.Connection
    server_pid: int
    seconds: list[float] = field(default_factory=list)
    server_cpu: float = 0.0
    own_cpu: float = 0.0

    async def tick(self) -> None:
        """Run one tick of the check, as the scheduler does."""
        server_cpu, own_cpu = processor.used(self.server_pid), time.process_time()
        begun = time.perf_counter()
        await watchdogs.check_ledger(self.sessions)
        self.seconds.append(time.perf_counter() - begun)
        self.server_cpu += processor.used(self.server_pid) - server_cpu
        self.own_cpu += time.process_time() - own_cpu

    async def progress(self) -> dict[str, Any]:
        """Return where the next tick begins."""
        stored: str = await self.owner.fetchval(
            "SELECT progress FROM ledger_checkpoints WHERE progress IS NOT NULL"
            " ORDER BY id DESC LIMIT 1"
        )
        found: dict[str, Any] = json.loads(stored)
        return found

    async def until_passed(self, part: str, position: int) -> None:
        """Run ticks until one has read the row at `position` of a part."""
        before = {part: 0}
        for _ in range(_NEVER):
            await self.tick()
            after = await self.progress()
            if position < after[part] or after[part] < before[part]:
                return
            before = after
        raise AssertionError("the check does not come to an end")

    async def last_read(self, part: str) -> int:
        """Return the id of a row that the last tick has read."""
        while not (position := (await self.progress())[part]):
            await self.tick()
        return int(position) - 1

    async def incidents(self) -> int:
        """Return how many incidents there are."""
        return int(await self.owner.fetchval("SELECT count(*) FROM incidents"))


async def find(check: Check, table: str, column: str, where: str) -> int:
    """Change a row that the check has just read, and count the ticks until it is found."""
    sql = f"UPDATE {table} SET {column} = {column} {{}} 1 WHERE {where}"
    incidents = await check.incidents()
    await _as_owner(check.owner, sql.format("+"))
    for number in range(1, _NEVER):
        await check.tick()
        if await check.incidents() > incidents:
            await _as_owner(check.owner, sql.format("-"))
            checks.show(f"{column} of {table}: found in tick {number}")
            return number
    raise AssertionError(f"not found: {sql}")


async def find_all(check: Check, count: int) -> dict[str, float]:
    """Change three rows, one after the other, and return in how many ticks each was found."""
    held = count - count // (2 * placements.HELD_SHARE)
    await check.until_passed("target", held)
    if await check.incidents():
        raise AssertionError("the ledger was wrong before anything was changed")
    escrow = await find(check, "escrows", "amount", f"campaign_target_id = {held}")
    wallet_id = await check.last_read("wallet")
    wallet = await find(check, "wallets", "balance", f"id = {wallet_id}")
    transfer = await check.last_read("transfer")
    first = f"(SELECT min(id) FROM ledger_entries WHERE transfer_id = {transfer})"
    entry = await find(check, "ledger_entries", "amount", f"id = {first}")
    return {"escrow_ticks": escrow, "wallet_ticks": wallet, "entry_ticks": entry}


async def _as_owner(owner: asyncpg.Connection, statement: str) -> None:
    """Run a statement without the triggers, which would refuse it or mark the row as new."""
    table = statement.split()[1]
    async with owner.transaction():
        await owner.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        if await owner.execute(statement) != "UPDATE 1":
            raise AssertionError(statement)
        await owner.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


async def measure(folder: Path, count: int) -> dict[str, float]:
    """Fill a ledger with `count` placements, and return the figures by name."""
    server = await embedded.start_postgres(folder / "postgres", settings=checks.SERVER)
    engine = create_engine(server.dsn(logins.CLOCK))
    owner = await asyncpg.connect(server.dsn(embedded.OWNER))
    try:
        market.migrate(server)
        await market.fill(server.dsn(embedded.OWNER), pending=0, history=0)
        checks.show(f"loading {count:,} placements")
        await placements.load(server.dsn(embedded.SUPERUSER), count)
        check = Check(create_sessions(engine), owner, server.child.pid)
        figures = await find_all(check, count)
        ticks = len(check.seconds)
        per_hour = _HOUR / watchdogs.LEDGER_CHECK_SECONDS
        return figures | {
            "measured_ticks": float(ticks),
            "seconds_per_tick": sum(check.seconds) / ticks,
            "longest_tick_seconds": max(check.seconds),
            "server_cpu_seconds_per_hour": check.server_cpu / ticks * per_hour,
            "scheduler_cpu_seconds_per_hour": check.own_cpu / ticks * per_hour,
        }
    finally:
        await owner.close()
        await engine.dispose()
        await server.stop()


def main() -> None:
    """Run the benchmark, print the figures, and write them to a file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"only {QUICK:,} placements")
    options = parser.parse_args()
    structlog.configure(processors=[_drop])
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)  # PostgreSQL may have to run as another user
        figures = asyncio.run(measure(Path(folder), QUICK if options.quick else PLACEMENTS))
    for name, value in figures.items():
        checks.show(f"{name:<36} {value:10.3f}")
    out = market.ROOT / "build" / "bench-rolling.json"
    out.parent.mkdir(exist_ok=True)
    out.write_text(json.dumps(figures, indent=2) + "\n")


def _drop(*_: object) -> str:
    raise structlog.DropEvent


if __name__ == "__main__":
    main()
