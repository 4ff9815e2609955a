"""Measure how long the checks of the ledger take with 10⁶ and 10⁷ entries."""

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import asyncpg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from db.session import create_engine, create_sessions
from sandbox import embedded
from services.money import incremental_check, invariants
from tests.embedded_fixture import clone_database, drop_database

NEW_ENTRIES = 100_000
PEOPLE = 50_000
BUSY_PEOPLE = 15_000
"""The number of people to whom the new entries belong."""
BATCH = 500
ROUNDS = 3
SERVER = {
    "max_wal_size": "4GB",
    "maintenance_work_mem": "512MB",
    "work_mem": "64MB",
    "shared_buffers": "512MB",
}
LEDGER_CHECKS = ("wallet_balance", "wallet_version", "running_balance", "zero_sum", "ledger_total")
BARE_SUM = """
    SELECT max(total) FROM (
        SELECT wallet_id, SUM(amount) AS total FROM ledger_entries GROUP BY wallet_id
    ) AS sums
"""
_PEOPLE = f"""
INSERT INTO users (id, telegram_id) OVERRIDING SYSTEM VALUE
    SELECT n, n FROM generate_series(1, {PEOPLE}) AS n;
INSERT INTO wallets (id, kind, user_id, counterparty_id, currency) OVERRIDING SYSTEM VALUE
    SELECT 2 * n, 'user', n, NULL::bigint, 'USD' FROM generate_series(1, {PEOPLE}) AS n
    UNION ALL
    SELECT 2 * n + 1, 'external', NULL, n, 'USD' FROM generate_series(1, {PEOPLE}) AS n;
"""
# Transfer n is deposit number v of person p. All deposits of a person have the same amount.
_TRANSFERS = """
INSERT INTO ledger_transfers (id, key, reason, reference_id) OVERRIDING SYSTEM VALUE
    SELECT n, 'bulk:' || n, 'adjustment', n
    FROM generate_series({first}::bigint, {last}::bigint) AS n
"""
_ENTRIES = """
INSERT INTO ledger_entries
    (id, transfer_id, wallet_id, amount, balance_after, version, reason, reference_id)
    OVERRIDING SYSTEM VALUE
    SELECT 2 * n + side, n, 2 * p + side, sign * (100 + p % 50), sign * v * (100 + p % 50), v,
        'adjustment', n
    FROM generate_series({first}::bigint, {last}::bigint) AS n
    CROSS JOIN LATERAL (SELECT {person} AS p, {version} AS v) AS deposit
    CROSS JOIN (VALUES (0, 1), (1, -1)) AS leg (side, sign)
"""
_BALANCES = """
UPDATE wallets w SET version = last.version, balance = last.balance_after
FROM (SELECT DISTINCT ON (wallet_id) wallet_id, version, balance_after FROM ledger_entries
    WHERE id > {after} ORDER BY wallet_id, version DESC) AS last
WHERE last.wallet_id = w.id
"""


async def measure(
    server: embedded.Postgres, template: str, sizes: Sequence[int]
) -> dict[str, float]:
    """Create a database for each size, and time the checks in it.

    A size is a number of ledger entries. Returns seconds and ratios by name. `audit_growth_ratio`
    compares the largest size with the smallest size.
    """
    figures: dict[str, float] = {}
    names = {size: f"bench_checks_{size}" for size in sizes}
    horizons = {}
    try:
        for size, name in names.items():
            await drop_database(server, name)
            await clone_database(server, template, name)
            show(f"loading {size:,} entries")
            horizons[size] = await load(server.dsn(embedded.SUPERUSER, name), size)
        for number in range(ROUNDS):
            for size, name in names.items():
                show(f"round {number + 1}, {size:,} entries")
                times = await time_all(server.dsn(embedded.APP, name), size, horizons[size])
                figures |= {
                    key: min(figures.get(key, value), value) for key, value in times.items()
                }
    finally:
        for name in names.values():
            await drop_database(server, name)
    small, large = sizes[0], sizes[-1]
    full = sum(figures[f"audit_{name}_s_{large}"] for name in LEDGER_CHECKS)
    return figures | {
        "audit_incremental_ratio": figures[f"audit_incremental_s_{large}"] / full,
        "audit_full_ratio": figures[f"audit_wallet_balance_s_{large}"]
        / figures[f"audit_bare_s_{large}"],
        "audit_growth_ratio": (
            figures[f"audit_incremental_s_{large}"] / figures[f"audit_incremental_s_{small}"]
        ),
    }


async def load(url: str, size: int) -> int:
    """Fill the ledger without triggers, and then add the new entries.

    Returns the horizon: all transactions below this number ended before the new entries.
    """
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("SET session_replication_role = replica")
        await connection.execute(_PEOPLE)
        transfers = size // 2
        indexes = await drop_indexes(connection)
        for sql in (_TRANSFERS, _ENTRIES):
            await connection.execute(
                sql.format(
                    first=1,
                    last=transfers,
                    person=f"n * 7919 % {PEOPLE} + 1",
                    version=f"(n - 1) / {PEOPLE} + 1",
                )
            )
        for statement in indexes:
            await connection.execute(statement)
        await connection.execute(_BALANCES.format(after=0))
        await connection.execute("VACUUM (ANALYZE)")
        await connection.execute("CHECKPOINT")
        horizon: int = await connection.fetchval("SELECT ledger_horizon()")
        await _add_new(connection, transfers)
        return horizon
    finally:
        await connection.close()


async def _add_new(connection: asyncpg.Connection, before: int) -> None:
    """Add NEW_ENTRIES entries to a database with `before` transfers."""
    for first in range(before + 1, before + NEW_ENTRIES // 2 + 1, BATCH):
        person = f"(n - {before + 1}) % {BUSY_PEOPLE} + 1"
        last_version = f"(SELECT version FROM wallets WHERE id = 2 * ({person}))"
        version = f"(n - {before + 1}) / {BUSY_PEOPLE} + 1 + {last_version}"
        values = {"first": first, "last": first + BATCH - 1, "person": person, "version": version}
        async with connection.transaction():
            await connection.execute(_TRANSFERS.format(**values))
            await connection.execute(_ENTRIES.format(**values))
    await connection.execute(_BALANCES.format(after=2 * before + 1))


async def drop_indexes(connection: asyncpg.Connection) -> list[str]:
    """Drop the ledger's indexes and constraints, and return the SQL that creates them again."""
    constraints = await connection.fetch("""
        SELECT conrelid::regclass::text AS name, conname, pg_get_constraintdef(oid) AS definition
        FROM pg_constraint WHERE contype IN ('p', 'u', 'f')
            AND (conrelid IN ('ledger_entries'::regclass, 'ledger_transfers'::regclass)
                OR confrelid IN ('ledger_entries'::regclass, 'ledger_transfers'::regclass))
        ORDER BY contype = 'f' DESC
    """)
    for row in constraints:
        await connection.execute(f"ALTER TABLE {row['name']} DROP CONSTRAINT {row['conname']}")
    indexes = await connection.fetch("""
        SELECT indexname, indexdef FROM pg_indexes
        WHERE tablename IN ('ledger_entries', 'ledger_transfers')
    """)
    for row in indexes:
        await connection.execute(f"DROP INDEX {row['indexname']}")
    return [row["indexdef"] for row in indexes] + [
        f"ALTER TABLE {row['name']} ADD CONSTRAINT {row['conname']} {row['definition']}"
        for row in reversed(constraints)
    ]


async def time_all(url: str, size: int, horizon: int) -> dict[str, float]:
    """Time each check of the ledger, in seconds.

    The incremental check reads the transactions from `horizon` on. Raises AssertionError if a check
    finds a violation.
    """
    engine = create_engine(url)
    sessions = create_sessions(engine)

    async def timed(name: str, act: Callable[[AsyncSession], Awaitable[Any]]) -> float:
        async with sessions.begin() as session:
            for limit in ("statement_timeout", "transaction_timeout"):
                await session.execute(text(f"SET LOCAL {limit} = 0"))
            await incremental_check.prepare(session)
            begun = time.perf_counter()
            await act(session)
            seconds = time.perf_counter() - begun
        show(f"  {name:<16} {seconds:8.3f} s")
        return seconds

    async def check_new(session: AsyncSession) -> None:
        violations, new_horizon = await incremental_check.new_since(session, horizon)
        if violations or new_horizon <= horizon:
            raise AssertionError(f"the check of what is new is wrong: {violations}")

    def check_all(name: str) -> Callable[[AsyncSession], Awaitable[None]]:
        invariant = next(each for each in invariants.INVARIANTS if each.name == name)

        async def check(session: AsyncSession) -> None:
            if broken := await invariants.rows(session, invariant):
                raise AssertionError(f"{name} is broken: {broken}")

        return check

    try:
        figures = {"incremental": await timed("incremental", check_new)}
        figures["bare"] = await timed("bare", lambda session: session.execute(text(BARE_SUM)))
        for name in LEDGER_CHECKS:
            figures[name] = await timed(name, check_all(name))
    finally:
        await engine.dispose()
    return {f"audit_{name}_s_{size}": seconds for name, seconds in figures.items()}


def show(line: str) -> None:
    print(line, flush=True)
