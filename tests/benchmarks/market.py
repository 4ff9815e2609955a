"""Fill a marketplace quickly for benchmarks."""

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from os import environ
from pathlib import Path
from time import perf_counter

import asyncpg

from db.models.users import Role
from db.session import Sessions
from sandbox import embedded
from services.market import moderation
from services.platform.actors import Actor

ROOT = Path(__file__).parents[2]
ADVERTISERS = 1_000
OWNERS = 1_000
MODERATOR = Actor(1, frozenset({Role.ADMIN}), in_admin_chat=True)
PRICE = 100

_PEOPLE = (
    f"""
    INSERT INTO users (telegram_id) SELECT n FROM generate_series(1, {1 + ADVERTISERS + OWNERS}) n
    """,
    """
    SELECT open_wallet('user', id, NULL, 'USD'), open_wallet('external', NULL, id, 'USD')
    FROM users
    """,
    "ALTER TABLE user_roles DISABLE TRIGGER requested",
    "INSERT INTO user_roles (user_id, role) VALUES (1, 'admin')",
    "ALTER TABLE user_roles ENABLE TRIGGER requested",
    f"""
    INSERT INTO received_payments (kind, charge_id, telegram_id, amount, currency)
    SELECT 'payment', 'bench:' || n, n, 1000000000000, 'USD'
    FROM generate_series(2, {1 + ADVERTISERS}) n
    """,
    f"""
    WITH paid AS (
        INSERT INTO deposits
            (user_id, amount, currency, source, external_reference, status, credited_at)
        SELECT n, 1000000000000, 'USD', 'manual', 'bench:' || n, 'credited', now()
        FROM generate_series(2, {1 + ADVERTISERS}) n RETURNING id, user_id, amount
    )
    SELECT post_transfer('deposit:' || paid.id, 'deposit', paid.id, ARRAY[outside.id, own.id],
        ARRAY[-paid.amount, paid.amount], ARRAY['deposit', 'deposit'], NULL, NULL)
    FROM paid
    JOIN wallets own ON own.user_id = paid.user_id AND own.kind = 'user'
    JOIN wallets outside ON outside.counterparty_id = paid.user_id AND outside.kind = 'external'
    """,
    f"""
    INSERT INTO campaigns (advertiser_id, name, creative, total_budget, status)
    SELECT n, 'Bench', '{{"kind": "text", "text": "Bench"}}', 1000000000000000, 'active'
    FROM generate_series(2, {1 + ADVERTISERS}) n
    """,
    f"""
    INSERT INTO channels (chat_id, owner_id, title, topic, price, promised_hours, status)
    SELECT -n, n, 'Bench', 'bench', {PRICE}, 0, 'active'
    FROM generate_series({2 + ADVERTISERS}, {1 + ADVERTISERS + OWNERS}) n
    """,
    "UPDATE kill_switches SET enabled = true",
)
_PENDING = f"""
    INSERT INTO campaign_targets
        (campaign_id, channel_id, owner_id, price, promised_hours, fee_bps)
    SELECT 1 + n % {ADVERTISERS}, ch.id, ch.owner_id, {PRICE}, 0, 1000
    FROM generate_series(1, $1::bigint) n
    JOIN channels ch ON ch.id = 1 + (n * 7) % {OWNERS}
"""
# These placements were settled long ago. They make the tables as large as in production.
_HISTORY = (
    f"""
    INSERT INTO campaign_targets (campaign_id, channel_id, owner_id, price, promised_hours,
        fee_bps, status, decided_by, decided_at, created_at)
    SELECT 1 + n % {ADVERTISERS}, ch.id, ch.owner_id, {PRICE}, 0, 1000, 'posted', 1, now(),
        now() - interval '30 days'
    FROM generate_series(1, $1::bigint) n JOIN channels ch ON ch.id = 1 + (n * 7) % {OWNERS}
    """,
    """
    INSERT INTO wallets (kind, currency)
    SELECT 'escrow', 'USD' FROM generate_series(1, $1::bigint)
    """,
    """
    INSERT INTO escrows (campaign_target_id, wallet_id, amount, fee, status, settled_at)
    SELECT t.id, w.id, 100, 10, 'released', now()
    FROM (SELECT id, row_number() OVER () AS row_no FROM campaign_targets LIMIT $1::bigint) t
    JOIN (SELECT id, row_number() OVER () AS row_no FROM wallets WHERE kind = 'escrow') w
        USING (row_no)
    """,
    """
    INSERT INTO post_jobs (campaign_target_id, channel_id, due_at, status, message_id, settled)
    SELECT id, channel_id, now(), 'success', id, true FROM campaign_targets LIMIT $1::bigint
    """,
    """
    INSERT INTO user_audit_logs (action, role)
    SELECT 'moderation_approved', 'admin' FROM generate_series(1, $1::bigint)
    """,
    """
    INSERT INTO outbox (kind, payload, status, key)
    SELECT 'target_approved', '{}', 'sent', 'old:' || n FROM generate_series(1, $1::bigint) n
    """,
)
_GUARDED = ("wallets", "escrows", "user_audit_logs")
_WITH_STATUS = (
    "deposits",
    "campaigns",
    "channels",
    "campaign_targets",
    "escrows",
    "post_jobs",
    "outbox",
)
"""The tables into which rows are inserted with a later status than the initial status."""


@dataclass(frozen=True)
class Rate:
    """The items per second, and the 95th percentile of their times."""

    per_second: float
    p95_ms: float


def migrate(server: embedded.Postgres) -> None:
    """Create the tables by running all migrations."""
    subprocess.run(
        [sys.executable, "-m", "alembic", "upgrade", "head"],
        cwd=ROOT,
        env=environ | {"MIGRATION_DATABASE_URL": server.dsn(embedded.OWNER)},
        check=True,
    )


async def fill(url: str, *, pending: int, history: int) -> int:
    """Create people and placements, and return the id of the first pending placement.

    `history` is the number of settled placements.
    """
    owner = await asyncpg.connect(url)
    try:
        for table in _WITH_STATUS:
            await owner.execute(f"ALTER TABLE {table} DISABLE TRIGGER initial_status")
        for statement in _PEOPLE:
            await owner.execute(statement)
        for table in _GUARDED:
            await owner.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        for statement in _HISTORY:
            await owner.execute(statement, history)
        for table in _GUARDED:
            await owner.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
        for table in _WITH_STATUS:
            await owner.execute(f"ALTER TABLE {table} ENABLE TRIGGER initial_status")
        await owner.execute(_PENDING, pending)
        await owner.execute("VACUUM ANALYZE")
        first: int = await owner.fetchval(
            "SELECT min(id) FROM campaign_targets WHERE status = 'pending'"
        )
        return first
    finally:
        await owner.close()


async def run_tasks(
    sessions: Sessions, items: Iterable[int], tasks: int, act: Callable[[int], Awaitable[object]]
) -> Rate:
    """Call `act` for each item in `tasks` concurrent tasks, and measure the speed."""
    waiting, durations = list(items), []
    iterator = iter(waiting)

    async def connect(barrier: asyncio.Barrier) -> None:
        async with sessions() as session:
            await session.connection()
            await barrier.wait()

    async def work() -> None:
        for item in iterator:
            begun = perf_counter()
            await act(item)
            durations.append(perf_counter() - begun)

    barrier = asyncio.Barrier(tasks)
    await asyncio.gather(*(connect(barrier) for _ in range(tasks)))
    begun = perf_counter()
    await asyncio.gather(*(work() for _ in range(tasks)))
    seconds = perf_counter() - begun
    return Rate(len(waiting) / seconds, sorted(durations)[int(len(durations) * 0.95)] * 1_000)


async def approve(sessions: Sessions, target_id: int) -> None:
    """Approve a placement with the same service as the admin chat."""
    async with sessions.begin() as session:
        await moderation.approve(session, actor=MODERATOR, target_id=target_id)
