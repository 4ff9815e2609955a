"""The invariants, asked about some rows: the same queries, over a part of one of their tables."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ARRAY, BigInteger, bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.money import invariants
from services.money.invariants import Invariant, Violation

ROWS_AT_ONCE = 5_000


@dataclass(frozen=True)
class Scope:
    """Which rows the invariants are asked about.

    Wallets and transfers that look wrong, placements and deposits that are new or have their turn.
    """

    wallets: frozenset[int] = frozenset()
    transfers: frozenset[int] = frozenset()
    targets: frozenset[int] = frozenset()
    deposits: frozenset[int] = frozenset()
    withdrawals: frozenset[int] = frozenset()

    def __or__(self, other: "Scope") -> "Scope":
        return Scope(
            self.wallets | other.wallets,
            self.transfers | other.transfers,
            self.targets | other.targets,
            self.deposits | other.deposits,
            self.withdrawals | other.withdrawals,
        )


@dataclass(frozen=True)
class RowFilter:
    """Which tables of an invariant's query stand for the rows that it is asked about."""

    scope: str
    tables: dict[str, str]
    """Each with its column of the ids."""


ROW_FILTERS = {
    "wallet_balance": RowFilter("wallets", {"wallets": "id"}),
    "wallet_version": RowFilter("wallets", {"wallets": "id"}),
    "running_balance": RowFilter("wallets", {"ledger_entries": "wallet_id"}),
    "zero_sum": RowFilter("transfers", {"ledger_transfers": "id"}),
    "approved_has_escrow_and_job": RowFilter("targets", {"campaign_targets": "id"}),
    "escrow_unique": RowFilter("targets", {"escrows": "campaign_target_id"}),
    "job_unique": RowFilter("targets", {"post_jobs": "campaign_target_id"}),
    "released_is_paid_once": RowFilter("targets", {"escrows": "campaign_target_id"}),
    "refunded_is_refunded_once": RowFilter("targets", {"escrows": "campaign_target_id"}),
    "held_is_undecided": RowFilter("targets", {"escrows": "campaign_target_id"}),
    "escrow_wallet": RowFilter("targets", {"escrows": "campaign_target_id"}),
    "escrow_wallet_owned": RowFilter("wallets", {"wallets": "id"}),
    "orphan_target": RowFilter("targets", {"campaign_targets": "id"}),
    "campaign_budget": RowFilter("campaigns", {"campaigns": "id"}),
    "clawback_booked_once": RowFilter("deposits", {"deposits": "id", "clawbacks": "deposit_id"}),
    "withdrawal_settled_once": RowFilter("withdrawals", {"withdrawals": "id"}),
    "withdrawal_wallet": RowFilter("withdrawal_wallets", {"wallets": "id"}),
    "deposit_credited_once": RowFilter("deposits", {"deposits": "id"}),
}
# Of corrections there are few, ever: they are asked about all of them.
FOLLOWS = frozenset({"ledger_total"})
"""Cannot be broken unless a wallet or a transfer is: only then is everything added up."""

_CAMPAIGNS = text(
    "SELECT DISTINCT campaign_id FROM campaign_targets WHERE id = ANY (:ids)"
).bindparams(bindparam("ids", type_=ARRAY(BigInteger)))

_WITHDRAWAL_WALLETS = text(
    "SELECT w.id FROM wallets w JOIN withdrawals d ON d.user_id = w.user_id"
    " WHERE w.kind = 'withdrawal' AND d.id = ANY (:ids)"
).bindparams(bindparam("ids", type_=ARRAY(BigInteger)))


async def find_violations(
    session: AsyncSession, scope: Scope, *, whole: bool = False
) -> list[Violation]:
    """Ask the invariants about these rows; with `whole`, those that have no parts about all."""
    campaigns = await session.scalars(_CAMPAIGNS, {"ids": sorted(scope.targets)})
    wallets = await session.scalars(_WITHDRAWAL_WALLETS, {"ids": sorted(scope.withdrawals)})
    ids = {
        "wallets": sorted(scope.wallets),
        "transfers": sorted(scope.transfers),
        "targets": sorted(scope.targets),
        "deposits": sorted(scope.deposits),
        "withdrawals": sorted(scope.withdrawals),
        "campaigns": sorted(campaigns),
        "withdrawal_wallets": sorted(scope.wallets.union(wallets)),
    }
    found = []
    for invariant in invariants.INVARIANTS:
        narrowing = ROW_FILTERS.get(invariant.name)
        if narrowing is not None:
            rows = await _narrowed(session, invariant, narrowing, ids[narrowing.scope])
        elif scope.wallets or scope.transfers or (whole and invariant.name not in FOLLOWS):
            rows = await invariants.rows(session, invariant)
        else:
            continue
        if rows:
            found.append(Violation(invariant.name, invariant.meaning, rows))
    return found


async def find_unscoped_violations(session: AsyncSession) -> list[Violation]:
    """Check, over everything, what cannot be checked in parts: the end of a full check."""
    found = []
    for invariant in invariants.INVARIANTS:
        if invariant.name not in ROW_FILTERS:
            rows = await invariants.rows(session, invariant)
            if rows:
                found.append(Violation(invariant.name, invariant.meaning, rows))
    return found


async def _narrowed(
    session: AsyncSession, invariant: Invariant, narrowing: RowFilter, ids: Sequence[int]
) -> list[dict[str, Any]]:
    """Run an invariant's own query over one of its tables' rows: the name stands for these."""
    rows: list[dict[str, Any]] = []
    parts = ", ".join(
        f"{table} AS (SELECT * FROM public.{table} WHERE {column} = ANY (:ids))"  # noqa: S608
        for table, column in narrowing.tables.items()
    )
    narrowed = replace(invariant, sql=f"WITH {parts} {invariant.sql}")
    for first in range(0, len(ids), ROWS_AT_ONCE):
        rows += await invariants.rows(session, narrowed, ids[first : first + ROWS_AT_ONCE])
        if len(rows) >= invariants.SHOWN:
            break
    return rows[: invariants.SHOWN]
