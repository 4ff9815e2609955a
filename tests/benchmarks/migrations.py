"""Measure how long readers and writers wait while each migration runs.

Run it with `make bench-migrations`. It fills the schema of the first migration, and applies the
others one by one. Meanwhile, statements of the product run all the time, beside one long
transaction. It prints a table, and writes build/bench-migrations.json.
"""

import argparse
import asyncio
import json
import os
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import alembic.command
import asyncpg
from alembic.config import Config
from alembic.script import ScriptDirectory

from sandbox import embedded
from services.market import moderation
from tests.benchmarks import checks, market

FIRST = "0001"
PEOPLE = 1_000
LONGEST_WAIT = 1.0
"""No reader and no writer may wait longer, in seconds."""
HELD = ("outbox", "inbox", "campaign_targets", "escrows", "post_jobs", "ledger_entries", "wallets")
"""The tables that the long transaction has read."""
# The rows of the first schema: settled placements, and what they have left in each large table.
_FILL = f"""
SET session_replication_role = replica;
UPDATE kill_switches SET enabled = true;
INSERT INTO users (telegram_id) SELECT n FROM generate_series(1, 2 * {PEOPLE}) n;
INSERT INTO user_roles (user_id, role) VALUES (1, 'admin');
INSERT INTO wallets (kind, user_id, currency, balance, version)
    SELECT 'user', n, 'USD', 1000000000, 1 FROM generate_series(1, 2 * {PEOPLE}) n;
INSERT INTO wallets (kind, counterparty_id, currency, balance, version)
    SELECT 'external', n, 'USD', -1000000000, 1 FROM generate_series(1, 2 * {PEOPLE}) n;
INSERT INTO wallets (kind, currency) SELECT 'escrow', 'USD' FROM generate_series(1, {{size}});
INSERT INTO campaigns (advertiser_id, name, creative, total_budget, status)
    SELECT n, 'Bench', '{{{{"kind": "text", "text": "Bench"}}}}', 1000000000000, 'active'
    FROM generate_series(2, {PEOPLE}) n;
INSERT INTO channels (chat_id, owner_id, title, topic, price, promised_hours, status)
    SELECT -n, {PEOPLE} + n, 'Bench', 'bench', 100, 0, 'active' FROM generate_series(2, {PEOPLE}) n;
INSERT INTO campaign_targets
    (campaign_id, channel_id, owner_id, price, promised_hours, fee_bps, status, decided_by)
    SELECT c, ch.id, ch.owner_id, 100, 0, 1000,
        CASE WHEN n <= {{size}} THEN 'posted' ELSE 'pending' END, 1
    FROM generate_series(1, {{size}} + {{pending}}) n
    CROSS JOIN LATERAL (SELECT 1 + n % ({PEOPLE} - 1) AS c) AS campaign
    JOIN channels ch ON ch.id = 1 + n * 7 % ({PEOPLE} - 1) ORDER BY n;
INSERT INTO escrows (campaign_target_id, wallet_id, amount, fee, status, settled_at)
    SELECT n, 4 * {PEOPLE} + n, 100, 10, 'released', now() FROM generate_series(1, {{size}}) n;
INSERT INTO post_jobs (campaign_target_id, channel_id, due_at, status, message_id, settled)
    SELECT n, 1 + n % ({PEOPLE} - 1), now(), 'success', n, true FROM generate_series(1, {{size}}) n;
INSERT INTO post_checks (post_job_id, verdict, evidence)
    SELECT n, 'present', 'seen' FROM generate_series(1, {{size}}) n;
INSERT INTO ledger_transfers (key, reason, reference_id)
    SELECT 'bench:' || n, 'adjustment', n FROM generate_series(1, {{size}}) n;
INSERT INTO ledger_entries
    (transfer_id, wallet_id, amount, balance_after, version, reason, reference_id)
    SELECT n, CASE side WHEN 0 THEN 4 * {PEOPLE} + n ELSE 1 + n % (4 * {PEOPLE}) END,
        CASE side WHEN 0 THEN 100 ELSE -100 END, 0, 1 + side * (n + 10), 'adjustment', n
    FROM generate_series(1, {{size}}) n CROSS JOIN (VALUES (0), (1)) AS leg (side);
INSERT INTO user_audit_logs (action, role)
    SELECT 'moderation_approved', 'admin' FROM generate_series(1, {{size}}) n;
INSERT INTO outbox (kind, payload, status, sent_at)
    SELECT 'target_submitted', jsonb_build_object('target_id', n), 'sent',
        now() - interval '100 days' * (n <= {{size}} / 100)::int
    FROM generate_series(1, {{size}}) n;
INSERT INTO inbox (update_id, lane, done_at) SELECT n, n, now() FROM generate_series(1, {{size}}) n;
INSERT INTO deposits (user_id, amount, currency, source, external_reference, status, credited_at)
    SELECT 1 + n % {PEOPLE}, 1, 'USD', 'telegram', 'charge-' || n, 'credited', now()
    FROM generate_series(1, {{size}}) n;
INSERT INTO withdrawals (user_id, amount, currency, status, external_reference, settled_at)
    SELECT 1 + n % {PEOPLE}, 1, 'USD', 'paid', 'wire-' || n, now()
    FROM generate_series(1, {{size}}) n;
SET session_replication_role = origin;
"""
_STATEMENT = """
    SELECT entry.created_at, entry.reason, entry.amount, entry.balance_after
    FROM ledger_entries entry JOIN wallets ON wallets.id = entry.wallet_id
    WHERE wallets.user_id = $1 AND wallets.kind = 'user' ORDER BY entry.version DESC LIMIT 10
"""
_CLAIM_MESSAGES = """
    UPDATE outbox SET due_at = now() + interval '1 second', attempts = attempts + 1
    WHERE id = ANY (ARRAY(SELECT id FROM outbox WHERE status = 'queued' AND due_at <= now()
        ORDER BY due_at, id LIMIT 5 FOR UPDATE SKIP LOCKED)) RETURNING id, kind, payload
"""
_CLAIM_POST = """
    UPDATE post_jobs SET status = 'sending', claim_no = claim_no + 1, lease_owner = 'bench',
        lease_until = now() + interval '30 seconds'
    WHERE id = (SELECT id FROM post_jobs WHERE status = 'queued' AND due_at <= clock()
        ORDER BY due_at, id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING id
"""
_GIVE_BACK = """
    UPDATE post_jobs SET status = 'queued', lease_owner = NULL, lease_until = NULL WHERE id = $1
"""
_LOCK_WAIT = """
    SELECT coalesce(max(extract(epoch FROM clock_timestamp() - waitstart)), 0)::float8
    FROM pg_locks WHERE NOT granted AND pid = ANY ($1)
"""
_WATCH_SECONDS = 0.02
_STORE_UPDATE = "INSERT INTO inbox (update_id, lane, payload) VALUES ($1, 1, '{}')"
# Before revision 0034, the function has no version, and the calls of that release go on.
_APPROVE = moderation.APPROVE.text.replace(", :version", "")
for _number, _name in enumerate(("target_id", "actor_id", "role", "correlation_id"), 1):
    _APPROVE = _APPROVE.replace(f":{_name}", f"${_number}")


@dataclass
class Load:
    """Statements of the product that run all the time, and how long they took at most."""

    url: str
    pause: float
    """The pause between two statements of one kind, in seconds."""
    first_pending: int
    longest: dict[str, float] = field(default_factory=dict)
    done: dict[str, int] = field(default_factory=dict)
    ids: Callable[[], int] = field(default_factory=lambda: count(1).__next__)
    approvals: Callable[[], int] = field(default_factory=lambda: count(1).__next__)
    """The ids of the pending placements are few, so nothing else uses them up."""
    longest_lock_wait: float = 0.0
    """How long one of the statements waited for a lock at most, as the server says, in seconds.

    In `longest` is also the time in which this process got no CPU.
    """
    _sessions: list[int] = field(default_factory=list)

    def begin(self) -> None:
        """Forget what was measured."""
        self.longest, self.done, self.longest_lock_wait = {}, {}, 0.0

    async def approve(self, connection: asyncpg.Connection) -> None:
        """Approve the next pending placement."""
        target_id = self.first_pending + self.approvals()
        code = await connection.fetchval(_APPROVE, target_id, 1, "admin", None)
        assert code is None, code

    async def read_wallet(self, connection: asyncpg.Connection) -> None:
        """Read the last entries of a wallet."""
        assert await connection.fetch(_STATEMENT, 2 + self.ids() % (PEOPLE - 2))

    async def claim_messages(self, connection: asyncpg.Connection) -> None:
        """Claim messages that are due."""
        await connection.fetch(_CLAIM_MESSAGES)

    async def claim_post(self, connection: asyncpg.Connection) -> None:
        """Claim a post, and give it back."""
        async with connection.transaction():
            job_id = await connection.fetchval(_CLAIM_POST)
            if job_id is not None:
                await connection.execute(_GIVE_BACK, job_id)

    async def store_update(self, connection: asyncpg.Connection) -> None:
        """Store an update of Telegram."""
        await connection.execute(_STORE_UPDATE, 10**9 + self.ids())

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run each kind of statement until the `with` block ends. Raises their errors."""
        acts = (
            self.approve,
            self.read_wallet,
            self.claim_messages,
            self.claim_post,
            self.store_update,
        )
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._watch_locks(stop))
            for act in acts:
                group.create_task(self._repeat(act, stop))
            try:
                yield
            finally:
                stop.set()

    async def _watch_locks(self, stop: asyncio.Event) -> None:
        connection = await asyncpg.connect(self.url)
        try:
            while not stop.is_set():
                seconds = await connection.fetchval(_LOCK_WAIT, self._sessions)
                self.longest_lock_wait = max(self.longest_lock_wait, seconds)
                await asyncio.sleep(_WATCH_SECONDS)
        finally:
            await connection.close()

    async def _repeat(self, act: Callable[..., object], stop: asyncio.Event) -> None:
        connection = await asyncpg.connect(self.url)
        self._sessions.append(connection.get_server_pid())
        name = act.__name__
        try:
            while not stop.is_set():
                begun = time.monotonic()
                await act(connection)  # type: ignore[misc]  # as alembic gives it
                seconds = time.monotonic() - begun
                self.longest[name] = max(seconds, self.longest.get(name, 0.0))
                self.done[name] = self.done.get(name, 0) + 1
                await asyncio.sleep(self.pause)
        finally:
            await connection.close()


def config() -> Config:
    """Return the configuration of alembic."""
    found = Config()
    found.set_main_option("script_location", str(market.ROOT / "migrations").replace("%", "%%"))
    return found


def revisions() -> list[str]:
    """Return the revisions after the first one, the oldest first."""
    found = ScriptDirectory.from_config(config()).walk_revisions()
    return sorted(script.revision for script in found if script.revision != FIRST)


async def migrate(url: str, revision: str) -> None:
    """Migrate a database to a revision, as the owner of its tables."""
    os.environ["MIGRATION_DATABASE_URL"] = url
    try:
        await asyncio.to_thread(alembic.command.upgrade, config(), revision)
    finally:
        del os.environ["MIGRATION_DATABASE_URL"]


async def fill(url: str, *, size: int, pending: int) -> int:
    """Fill the tables of the first schema. `url` is a superuser's.

    Returns the id below the pending placements.
    """
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(_FILL.format(size=size, pending=pending))
        await connection.execute("VACUUM ANALYZE")
        first: int = await connection.fetchval(
            "SELECT min(id) - 1 FROM campaign_targets WHERE status = 'pending'"
        )
        return first
    finally:
        await connection.close()


async def hold(url: str, seconds: float, holds: asyncio.Event) -> None:
    """Read and write large tables in one transaction that lasts for `seconds`, like a backup."""
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction(isolation="repeatable_read"):
            for table in HELD:
                await connection.fetch(f"SELECT id FROM {table} LIMIT 1")
            await connection.execute("UPDATE outbox SET attempts = attempts WHERE id = 1")
            holds.set()
            await asyncio.sleep(seconds)
    finally:
        await connection.close()


async def measure_each(
    url: str, app_url: str, load: Load, seconds: float, newest: int | None = None
) -> AsyncIterator[tuple[str, float]]:
    """Apply each migration beside a long transaction of `seconds`, and yield its name and time.

    Afterwards, `load` has the longest waits of this migration. If `newest` is given, only so many
    of the newest migrations are applied: the caller has applied the others.
    """
    for revision in revisions()[-(newest or 0) :]:
        holds = asyncio.Event()
        holder = asyncio.create_task(hold(app_url, seconds, holds))
        await holds.wait()
        load.begin()
        begun = time.monotonic()
        await migrate(url, revision)
        taken = time.monotonic() - begun
        await holder
        await asyncio.sleep(2 * load.pause)
        yield revision, taken


async def measure(folder: Path, size: int, seconds: float) -> dict[str, dict[str, float]]:
    """Run the whole benchmark, and return the figures by revision."""
    server = await embedded.start_postgres(folder / "postgres", settings=checks.SERVER)
    figures: dict[str, dict[str, float]] = {}
    try:
        url, app_url = server.dsn(embedded.OWNER), server.dsn(embedded.APP)
        await migrate(url, FIRST)
        checks.show(f"filling {size:,} placements")
        first = await fill(server.dsn(embedded.SUPERUSER), size=size, pending=50_000)
        load = Load(app_url, 0.01, first)
        async with load.running():
            await asyncio.sleep(5)
            figures["none"] = dict(load.longest)
            show("none", 5.0, load)
            async for revision, taken in measure_each(url, app_url, load, seconds):
                figures[revision] = {"migration": taken} | load.longest
                show(revision, taken, load)
        figures["purge"] = {"outbox_1000": await _time_purge(app_url)}
        checks.show(f"purge_outbox of 1,000 messages: {figures['purge']['outbox_1000']:.3f} s")
        return figures
    finally:
        await server.stop()


async def _time_purge(url: str) -> float:
    """Return the seconds in which 1,000 old messages are deleted among all others."""
    connection = await asyncpg.connect(url)
    try:
        begun = time.monotonic()
        assert await connection.fetchval("SELECT purge_outbox('90 days', 1000)")
        return time.monotonic() - begun
    finally:
        await connection.close()


def show(revision: str, taken: float, load: Load) -> None:
    """Print the longest waits during one migration."""
    waits = "  ".join(f"{name} {value:.3f}" for name, value in sorted(load.longest.items()))
    checks.show(f"{revision}  {taken:7.2f} s  longest {max(load.longest.values()):.3f}  {waits}")


def main() -> None:
    """Run the benchmark, print the figures, and write them to a file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--placements", type=int, default=1_000_000)
    parser.add_argument(
        "--seconds", type=float, default=5.0, help="how long the transaction beside it lasts"
    )
    parser.add_argument("--folder", type=Path, help="where the database is kept (about 6 GB)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        figures = asyncio.run(measure(Path(folder), options.placements, options.seconds))
    out = market.ROOT / "build" / "bench-migrations.json"
    out.parent.mkdir(exist_ok=True)
    out.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
