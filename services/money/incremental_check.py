"""The invariants at any size: what is new since the last run, and a part of everything else.

New is what transactions wrote that had not ended when the last run looked: ids are given before
the commit, so "greater than the last id" would miss what commits late. The rows say which
transaction wrote them (`txn`), and a run goes on at the horizon below which every transaction had
ended. Looking at something twice costs a little and never harms.

A wallet's entries are numbered without a gap and carry the balance after each, so an entry that was
checked once stands for all before it: what is new is checked against the one before it and against
the wallet. A wallet that is idle and was changed behind everybody's back shows in the part of
everything else, which comes round to every row in time.

What looks wrong here only names the rows: `invariants.INVARIANTS`, narrowed to them, decides.
"""

from dataclasses import asdict, dataclass, replace
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.money import scoped_invariants
from services.money.invariants import Violation
from services.money.scoped_invariants import Scope

SUSPECTS = 1_000
"""More of one kind in one run are the same trouble."""

_SETTINGS = (
    "SET LOCAL work_mem = '64MB'",
    "SET LOCAL plan_cache_mode = force_custom_plan",
)


@dataclass(frozen=True)
class Limits:
    """How much one run looks at, at most: each statement stays far below the time it may take."""

    new_entries: int = 100_000
    new_rows: int = 20_000
    """Of placements, posts, escrows and deposits each."""
    entries: int = 50_000
    wallets: int = 10_000
    transfers: int = 25_000
    targets: int = 2_000
    deposits: int = 2_000
    withdrawals: int = 2_000


SCHEDULED = Limits()
FULL = Limits(
    entries=200_000,
    wallets=50_000,
    transfers=100_000,
    targets=5_000,
    deposits=5_000,
    withdrawals=5_000,
)


@dataclass(frozen=True)
class Progress:
    """Where the next run goes on."""

    horizon: int | None = None
    """Of the check of what is new: everything that transactions below it wrote is checked."""
    wallet: int = 0
    """Of the rolling check, as all below: entries up to this wallet and version are checked."""
    version: int = 0
    transfer: int = 0
    target: int = 0
    deposit: int = 0
    withdrawal: int = 0

    @property
    def at_start(self) -> bool:
        """Whether the rolling check has come round (or has not begun)."""
        return self == Progress(self.horizon)

    def as_json(self) -> dict[str, Any]:
        """Return it as it is kept."""
        return asdict(self)


_NOW = text("SELECT ledger_horizon()")

# Where a run stops that has too much before it: before the transaction of one row too many.
_CUT = "SELECT txn FROM {} WHERE txn >= :since ORDER BY txn OFFSET :rows LIMIT 1"
_STAMPED = ("deposits", "withdrawals", "campaign_targets", "escrows", "post_jobs")

# Of a wallet whose entries go on behind the range, the last entry of all is compared.
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
            WHERE d.user_id = w.user_id AND d.status IN ('requested', 'approved'))))
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
    SELECT 'withdrawals', reference_id FROM new
    WHERE reason IN ('withdrawal_hold', 'withdrawal', 'withdrawal_return')
    UNION
    SELECT 'withdrawals', id FROM withdrawals WHERE txn >= :since AND txn < :upto
    UNION
    SELECT 'deposits', id FROM deposits WHERE txn >= :since AND txn < :upto
""")

# The entry at which the last part ended is read again, as the one before the first of this part.
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
                -- Where there are withdrawals, their own turn comes in the same round.
                OR (w.kind = 'withdrawal' AND w.balance <> 0
                    AND NOT EXISTS (SELECT FROM withdrawals d WHERE d.user_id = w.user_id)))
    )
    SELECT ARRAY(SELECT id FROM suspect ORDER BY id LIMIT :suspects) AS suspects,
        chosen.upto, chosen.wallets, ended.wallet_id, ended.version, ended.cut
    FROM chosen LEFT JOIN ended ON true
""")

# Behind the last transfer there is nothing: an entry there belongs to none.
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

_SOME = "SELECT id FROM {} WHERE id > :after ORDER BY id LIMIT :rows"
_SIZES = text("""
    SELECT COALESCE((SELECT max(id) FROM wallets), 0) AS wallet,
        COALESCE((SELECT max(id) FROM ledger_transfers), 0) AS transfer,
        COALESCE((SELECT max(id) FROM campaign_targets), 0) AS target,
        COALESCE((SELECT max(id) FROM deposits), 0) AS deposit,
        COALESCE((SELECT max(id) FROM withdrawals), 0) AS withdrawal
""")

RESTARTED = Violation(
    "transaction_numbers",
    "a restored database counts its transactions from the start: `adtech restored` was not run",
    [{"ref": 0}],
)


async def run(
    session: AsyncSession, progress: Progress, *, limits: Limits = SCHEDULED
) -> tuple[list[Violation], Progress]:
    """Check what is new and the next part of everything; return what is broken, and how far it got.

    Costs as much as what is new, and a part of fixed size. Reads only; what it returns is to be
    kept by whoever finds it sound.
    """
    await prepare(session)
    horizon = (await session.execute(_NOW)).scalar_one()
    if progress.horizon is not None and horizon < progress.horizon:
        return [RESTARTED], progress
    new, upto = await _new(session, progress.horizon or horizon, horizon, limits)
    part, after = await _next_part(session, progress, limits)
    return await scoped_invariants.find_violations(session, new | part, whole=True), replace(
        after, horizon=upto
    )


async def run_part(
    session: AsyncSession, progress: Progress, *, limits: Limits = FULL
) -> tuple[list[Violation], Progress]:
    """Check the next part of everything; a full check is all of them, until it is `at_start`."""
    await prepare(session)
    part, after = await _next_part(session, progress, limits)
    return await scoped_invariants.find_violations(session, part), after


async def sizes(session: AsyncSession) -> Progress:
    """Return the ends that a full check goes to, as they are now."""
    return Progress(**(await session.execute(_SIZES)).one()._mapping)  # noqa: SLF001


async def prepare(session: AsyncSession) -> None:
    """Let the transaction's statements sort in memory, and plan them for the values at hand."""
    for setting in _SETTINGS:
        await session.execute(text(setting))


async def new_since(
    session: AsyncSession, since: int, *, limits: Limits = SCHEDULED
) -> tuple[list[Violation], int]:
    """Check only what transactions from `since` on wrote; return the horizon to go on from."""
    horizon = (await session.execute(_NOW)).scalar_one()
    scope, upto = await _new(session, since, horizon, limits)
    return await scoped_invariants.find_violations(session, scope), upto


async def _new(
    session: AsyncSession, since: int, horizon: int, limits: Limits
) -> tuple[Scope, int]:
    """Find what is new, and from where the next run goes on: never above the horizon."""
    upto = None
    for table in ("ledger_entries", *_STAMPED):
        rows = limits.new_entries if table == "ledger_entries" else limits.new_rows
        cut = await session.scalar(text(_CUT.format(table)), {"since": since, "rows": rows})
        if cut is not None:
            upto = min(upto or cut, cut)
    found = await session.execute(
        _NEW,
        {
            "since": since,
            # What one transaction wrote is one piece, whatever its size.
            "upto": 2**63 - 1 if upto is None else max(upto, since + 1),
            "suspects": SUSPECTS,
        },
    )
    kinds: dict[str, set[int]] = {}
    for kind, id_ in found:
        kinds.setdefault(kind, set()).add(id_)
    scope = Scope(**{kind: frozenset(ids) for kind, ids in kinds.items()})
    return scope, horizon if upto is None else min(horizon, max(upto, since + 1))


async def _next_part(
    session: AsyncSession, progress: Progress, limits: Limits
) -> tuple[Scope, Progress]:
    """Take the next part of everything; each kind begins anew when it has come to its end."""
    wallets, wallet, version = await _some_wallets(session, progress, limits)
    transfers, transfer = await _some_transfers(session, progress.transfer, limits.transfers)
    targets, target = await _some(session, "campaign_targets", progress.target, limits.targets)
    deposits, deposit = await _some(session, "deposits", progress.deposit, limits.deposits)
    withdrawals, withdrawal = await _some(
        session, "withdrawals", progress.withdrawal, limits.withdrawals
    )
    return Scope(wallets, transfers, targets, deposits, withdrawals), Progress(
        progress.horizon, wallet, version, transfer, target, deposit, withdrawal
    )


async def _some_wallets(
    session: AsyncSession, progress: Progress, limits: Limits
) -> tuple[frozenset[int], int, int]:
    found = await session.execute(
        _WALLETS,
        {
            "wallet": progress.wallet,
            "version": progress.version,
            "wallets": limits.wallets,
            "entries": limits.entries,
            "suspects": SUSPECTS,
        },
    )
    row = found.one()
    suspects = frozenset(row.suspects)
    if row.cut:
        return suspects, row.wallet_id, row.version
    if row.wallets < limits.wallets:
        return suspects, 0, 0
    return suspects, row.upto + 1, 0


async def _some_transfers(
    session: AsyncSession, after: int, limit: int
) -> tuple[frozenset[int], int]:
    found = await session.execute(
        _TRANSFERS, {"transfer": after, "transfers": limit, "suspects": SUSPECTS}
    )
    row = found.one()
    return frozenset(row.suspects), 0 if row.at_end else row.id


async def _some(
    session: AsyncSession, table: str, after: int, limit: int
) -> tuple[frozenset[int], int]:
    found = await session.scalars(text(_SOME.format(table)), {"after": after, "rows": limit})
    ids = found.all()
    return frozenset(ids), ids[-1] if len(ids) == limit else 0
