"""Check the invariants (rules that all rows must obey) in small runs.

Each run reads all new rows and one part of the old rows.
"""

from dataclasses import asdict, dataclass, replace
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.money import scoped_invariants
from services.money.invariants import Violation
from services.money.scoped_invariants import Scope

SUSPECTS = 1_000

_SETTINGS = (
    "SET LOCAL work_mem = '64MB'",
    "SET LOCAL plan_cache_mode = force_custom_plan",
)


@dataclass(frozen=True)
class Limits:
    """How many rows of each table one run reads at most.

    A run each 30 seconds reads 10⁶ placements, which have 5·10⁶ entries, within an hour
    (`tests/benchmarks/rolling.py`).
    """

    new_entries: int = 100_000
    new_rows: int = 20_000
    """The limit for each table of targets, post jobs, escrows, deposits and withdrawals."""
    entries: int = 100_000
    wallets: int = 20_000
    transfers: int = 50_000
    targets: int = 10_000
    deposits: int = 10_000
    withdrawals: int = 10_000


SCHEDULED = Limits()
FULL = Limits(
    entries=200_000,
    wallets=50_000,
    transfers=100_000,
    targets=10_000,
    deposits=10_000,
    withdrawals=10_000,
)
"""The limits of one step of a full check."""


@dataclass(frozen=True)
class Progress:
    """The point where the next run of the check begins."""

    horizon: int | None = None
    """All rows of transactions below this number are checked. None before the first run."""
    wallet: int = 0
    """The next part begins in this wallet, after the entry `version`."""
    version: int = 0
    transfer: int = 0
    target: int = 0
    deposit: int = 0
    withdrawal: int = 0

    @property
    def at_start(self) -> bool:
        """Return whether the next run reads the first part of all rows."""
        return self == Progress(self.horizon)

    def as_json(self) -> dict[str, Any]:
        """Return the progress as JSON for the table `ledger_checkpoints`."""
        return asdict(self)


# New rows are found by transaction numbers. Ids would miss rows: an id is given before the commit,
# so a row with a higher id can be committed first.
_HORIZON = text("SELECT ledger_horizon()")

# This selects the transaction that wrote the first row beyond the limit. A run stops before it.
_FIRST_TXN_BEYOND_LIMIT = "SELECT txn FROM {} WHERE txn >= :since ORDER BY txn OFFSET :rows LIMIT 1"
_TABLES_WITH_TXN = (
    *("deposits", "withdrawals", "campaign_targets", "escrows", "post_jobs"),
    "complaints",
)

# A wallet that has entries newer than the range is compared with its very last entry.
_NEW = text("""
    WITH new AS MATERIALIZED (
        SELECT wallet_id, version, transfer_id, amount, balance_after, reason, reference_id
        FROM ledger_entries WHERE txn >= :since AND txn < :upto
    ), line AS MATERIALIZED (
        SELECT wallet_id, version, amount, balance_after,
            lag(version) OVER wallet AS version_before,
            lag(balance_after) OVER wallet AS balance_before,
            lead(version) OVER wallet IS NULL AS is_last
        FROM new WINDOW wallet AS (PARTITION BY wallet_id ORDER BY version)
    )
    (SELECT 'wallets' AS scope, wallet_id AS id FROM line
    WHERE version <> version_before + 1 OR balance_after <> balance_before + amount
    LIMIT :suspects)
    UNION
    (SELECT 'wallets', l.wallet_id FROM line l
    LEFT JOIN ledger_entries e ON e.wallet_id = l.wallet_id AND e.version = l.version - 1
    WHERE l.version_before IS NULL
        AND (l.version <> COALESCE(e.version, 0) + 1
            OR l.balance_after <> COALESCE(e.balance_after, 0) + l.amount)
    LIMIT :suspects)
    UNION
    (SELECT 'wallets', w.id FROM line l JOIN wallets w ON w.id = l.wallet_id
    WHERE l.is_last AND (
        CASE WHEN w.version = l.version THEN w.balance <> l.balance_after
        ELSE NOT EXISTS (
            SELECT FROM (
                SELECT version, balance_after FROM ledger_entries
                WHERE wallet_id = w.id ORDER BY version DESC LIMIT 1
            ) AS last WHERE (last.version, last.balance_after) = (w.version, w.balance)) END
        OR (w.kind = 'escrow' AND NOT EXISTS (SELECT FROM escrows e WHERE e.wallet_id = w.id))
        OR (w.kind = 'withdrawal' AND w.balance <> (
            SELECT COALESCE(sum(d.amount), 0) FROM withdrawals d
            WHERE d.user_id = w.user_id AND d.status IN ('requested', 'approved')) + (
            SELECT COALESCE(sum(r.amount), 0) FROM deposit_returns r
            WHERE r.user_id = w.user_id AND r.status NOT IN ('done', 'refused'))))
    LIMIT :suspects)
    UNION
    (SELECT 'transfers', transfer_id FROM new
    GROUP BY transfer_id HAVING sum(amount) <> 0 OR count(*) < 2
    LIMIT :suspects)
    UNION
    SELECT 'targets', e.campaign_target_id
    FROM line l JOIN escrows e ON e.wallet_id = l.wallet_id WHERE l.is_last
    UNION
    SELECT 'targets', reference_id FROM new
    WHERE reason IN ('escrow_hold', 'payout', 'fee', 'escrow_release', 'refund')
    UNION
    SELECT 'deposits', reference_id FROM new WHERE reason = 'deposit'
    UNION
    SELECT 'targets', id FROM campaign_targets WHERE txn >= :since AND txn < :upto
    UNION
    SELECT 'targets', campaign_target_id FROM escrows WHERE txn >= :since AND txn < :upto
    UNION
    SELECT 'targets', campaign_target_id FROM post_jobs WHERE txn >= :since AND txn < :upto
    UNION
    SELECT 'targets', campaign_target_id FROM complaints WHERE txn >= :since AND txn < :upto
    UNION
    SELECT 'withdrawals', reference_id FROM new
    WHERE reason IN ('withdrawal_hold', 'withdrawal', 'withdrawal_fee', 'withdrawal_return')
    UNION
    SELECT 'withdrawals', id FROM withdrawals WHERE txn >= :since AND txn < :upto
    UNION
    SELECT 'deposits', id FROM deposits WHERE txn >= :since AND txn < :upto
    UNION
    SELECT 'deposits', r.deposit_id FROM new n JOIN deposit_returns r ON r.id = n.reference_id
    WHERE n.reason IN ('return_hold', 'deposit_return', 'return_refused')
    UNION
    SELECT 'deposits', deposit_id FROM deposit_returns WHERE txn >= :since AND txn < :upto
""")

# The last entry of the previous part is read again, because the first entry of this part is
# compared with it.
_WALLETS = text("""
    WITH chosen AS MATERIALIZED (
        SELECT max(id) AS upto, count(*) AS wallets FROM (
            SELECT id FROM wallets WHERE id >= :wallet ORDER BY id LIMIT :wallets
        ) AS w
    ), part AS MATERIALIZED (
        SELECT wallet_id, version, amount, balance_after FROM ledger_entries
        WHERE (wallet_id, version) >= (:wallet, :version)
            AND wallet_id <= (SELECT upto FROM chosen)
        ORDER BY wallet_id, version LIMIT :entries
    ), line AS MATERIALIZED (
        SELECT wallet_id, version, amount, balance_after,
            lag(version, 1, 0::bigint) OVER (PARTITION BY wallet_id ORDER BY version)
                AS version_before,
            lag(balance_after, 1, 0::bigint) OVER (PARTITION BY wallet_id ORDER BY version)
                AS balance_before,
            lead(version) OVER (PARTITION BY wallet_id ORDER BY version) IS NULL AS is_last
        FROM part
    ), ended AS MATERIALIZED (
        SELECT wallet_id, version, (SELECT count(*) FROM part) = :entries AS cut
        FROM part ORDER BY wallet_id DESC, version DESC LIMIT 1
    ), suspect AS (
        SELECT wallet_id AS id FROM line
        WHERE (wallet_id, version) <> (:wallet, :version)
            AND (version <> version_before + 1 OR balance_after <> balance_before + amount)
        UNION
        SELECT w.id FROM wallets w
        LEFT JOIN line l ON l.wallet_id = w.id AND l.is_last
        WHERE w.id >= :wallet AND w.id <= (SELECT upto FROM chosen)
            AND NOT EXISTS (SELECT FROM ended WHERE ended.cut AND w.id >= ended.wallet_id)
            AND ((w.version, w.balance)
                    <> (COALESCE(l.version, 0), COALESCE(l.balance_after, 0))
                OR (w.kind = 'escrow'
                    AND NOT EXISTS (SELECT FROM escrows e WHERE e.wallet_id = w.id))
                -- A person with withdrawals is checked when the rolling check reads these.
                OR (w.kind = 'withdrawal' AND w.balance <> 0
                    AND NOT EXISTS (SELECT FROM withdrawals d WHERE d.user_id = w.user_id)
                    AND NOT EXISTS (SELECT FROM deposit_returns r WHERE r.user_id = w.user_id)))
    )
    SELECT ARRAY(SELECT id FROM suspect ORDER BY id LIMIT :suspects) AS suspects,
        chosen.upto, chosen.wallets, ended.wallet_id, ended.version, ended.cut
    FROM chosen LEFT JOIN ended ON true
""")

# After the last transfer, every transfer id of an entry is a suspect: there is no such transfer.
_TRANSFERS = text("""
    WITH chosen AS MATERIALIZED (
        SELECT id FROM ledger_transfers WHERE id > :transfer ORDER BY id LIMIT :transfers
    ), ended AS MATERIALIZED (
        SELECT max(id) AS id, count(*) < :transfers AS at_end FROM chosen
    ), summed AS (
        SELECT transfer_id, sum(amount) AS total, count(*) AS legs FROM ledger_entries
        WHERE transfer_id > :transfer
            AND transfer_id <= (
                SELECT CASE WHEN at_end THEN 9223372036854775807 ELSE id END FROM ended)
        GROUP BY transfer_id
    )
    SELECT ARRAY(
        SELECT COALESCE(chosen.id, summed.transfer_id)
        FROM chosen FULL JOIN summed ON summed.transfer_id = chosen.id
        WHERE chosen.id IS NULL OR COALESCE(summed.total, 0) <> 0 OR COALESCE(summed.legs, 0) < 2
        ORDER BY 1 LIMIT :suspects
    ) AS suspects, ended.id, ended.at_end
    FROM ended
""")

_NEXT_IDS = "SELECT id FROM {} WHERE id > :after ORDER BY id LIMIT :rows"
_LAST_IDS = text("""
    SELECT COALESCE((SELECT max(id) FROM wallets), 0) AS wallet,
        COALESCE((SELECT max(id) FROM ledger_transfers), 0) AS transfer,
        COALESCE((SELECT max(id) FROM campaign_targets), 0) AS target,
        COALESCE((SELECT max(id) FROM deposits), 0) AS deposit,
        COALESCE((SELECT max(id) FROM withdrawals), 0) AS withdrawal
""")

TRANSACTION_NUMBERS_RESTARTED = Violation(
    "transaction_numbers",
    "a restored database counts its transactions from the start: `adtech restored` was not run",
    [{"ref": 0}],
)
"""The violation if the transaction numbers are lower than in the last run."""


async def run(
    session: AsyncSession, progress: Progress, *, limits: Limits = SCHEDULED
) -> tuple[list[Violation], Progress]:
    """Check the new rows and one part of all rows, and return the violations.

    Also returns the new progress, which the caller stores if there are no violations. Writes
    nothing.
    """
    await prepare(session)
    horizon = (await session.execute(_HORIZON)).scalar_one()
    if progress.horizon is not None and horizon < progress.horizon:
        return [TRANSACTION_NUMBERS_RESTARTED], progress
    new, next_horizon = await _find_new(session, progress.horizon or horizon, horizon, limits)
    part, after = await _next_part(session, progress, limits)
    return await scoped_invariants.find_violations(session, new | part, whole=True), replace(
        after, horizon=next_horizon
    )


async def run_part(
    session: AsyncSession, progress: Progress, *, limits: Limits = FULL
) -> tuple[list[Violation], Progress]:
    """Check the part that begins at `progress`, and return the violations and the new progress."""
    await prepare(session)
    part, after = await _next_part(session, progress, limits)
    return await scoped_invariants.find_violations(session, part), after


async def last_ids(session: AsyncSession) -> Progress:
    """Return the highest id of each table, at which a full check ends."""
    return Progress(**(await session.execute(_LAST_IDS)).one()._mapping)  # noqa: SLF001 - SQLAlchemy's public attribute


async def prepare(session: AsyncSession) -> None:
    """Set `work_mem` and the plan mode for the rest of the transaction."""
    for setting in _SETTINGS:
        await session.execute(text(setting))


async def new_since(
    session: AsyncSession, since: int, *, limits: Limits = SCHEDULED
) -> tuple[list[Violation], int]:
    """Check the rows of all transactions whose number is `since` or higher.

    Returns the violations, and `since` for the next call.
    """
    horizon = (await session.execute(_HORIZON)).scalar_one()
    scope, next_horizon = await _find_new(session, since, horizon, limits)
    return await scoped_invariants.find_violations(session, scope), next_horizon


async def _find_new(
    session: AsyncSession, since: int, horizon: int, limits: Limits
) -> tuple[Scope, int]:
    """Return the ids to check because of new rows, and the next value of `since`."""
    upto = None
    for table in ("ledger_entries", *_TABLES_WITH_TXN):
        rows = limits.new_entries if table == "ledger_entries" else limits.new_rows
        txn = await session.scalar(
            text(_FIRST_TXN_BEYOND_LIMIT.format(table)), {"since": since, "rows": rows}
        )
        if txn is not None:
            upto = min(upto or txn, txn)
    result = await session.execute(
        _NEW,
        {
            "since": since,
            # The rows of one transaction are never divided. Therefore a run reads at least one
            # transaction.
            "upto": 2**63 - 1 if upto is None else max(upto, since + 1),
            "suspects": SUSPECTS,
        },
    )
    ids_by_kind: dict[str, set[int]] = {}
    for kind, id_ in result:
        ids_by_kind.setdefault(kind, set()).add(id_)
    scope = Scope(**{kind: frozenset(ids) for kind, ids in ids_by_kind.items()})
    return scope, horizon if upto is None else min(horizon, max(upto, since + 1))


async def _next_part(
    session: AsyncSession, progress: Progress, limits: Limits
) -> tuple[Scope, Progress]:
    """Return the ids of the part that begins at `progress`, and the new progress."""
    wallets, wallet, version = await _next_wallets(session, progress, limits)
    transfers, transfer = await _next_transfers(session, progress.transfer, limits.transfers)
    targets, target = await _next_ids(session, "campaign_targets", progress.target, limits.targets)
    deposits, deposit = await _next_ids(session, "deposits", progress.deposit, limits.deposits)
    withdrawals, withdrawal = await _next_ids(
        session, "withdrawals", progress.withdrawal, limits.withdrawals
    )
    return Scope(wallets, transfers, targets, deposits, withdrawals), Progress(
        progress.horizon, wallet, version, transfer, target, deposit, withdrawal
    )


async def _next_wallets(
    session: AsyncSession, progress: Progress, limits: Limits
) -> tuple[frozenset[int], int, int]:
    """Return the suspect wallets of one part, and the wallet and entry after this part."""
    result = await session.execute(
        _WALLETS,
        {
            "wallet": progress.wallet,
            "version": progress.version,
            "wallets": limits.wallets,
            "entries": limits.entries,
            "suspects": SUSPECTS,
        },
    )
    row = result.one()
    suspects = frozenset(row.suspects)
    if row.cut:
        return suspects, row.wallet_id, row.version
    if row.wallets < limits.wallets:
        return suspects, 0, 0
    return suspects, row.upto + 1, 0


async def _next_transfers(
    session: AsyncSession, after: int, limit: int
) -> tuple[frozenset[int], int]:
    """Return the suspect transfers with ids above `after`, and the last id (0 if no id is left)."""
    result = await session.execute(
        _TRANSFERS, {"transfer": after, "transfers": limit, "suspects": SUSPECTS}
    )
    row = result.one()
    return frozenset(row.suspects), 0 if row.at_end else row.id


async def _next_ids(
    session: AsyncSession, table: str, after: int, limit: int
) -> tuple[frozenset[int], int]:
    """Return at most `limit` ids above `after`, and the last of these ids (0 if no id is left)."""
    result = await session.scalars(text(_NEXT_IDS.format(table)), {"after": after, "rows": limit})
    ids = result.all()
    return frozenset(ids), ids[-1] if len(ids) == limit else 0
