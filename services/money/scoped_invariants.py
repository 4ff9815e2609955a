"""Check the invariants (rules that all rows must obey) for chosen rows."""

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
    """The ids of the rows to check."""

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
    """A rule that limits an invariant's query to the chosen rows."""

    scope: str
    """The kind of ids that limit the query, for example "targets"."""
    tables: dict[str, str]
    """The column with the ids, by the name of the limited table."""


ROW_FILTERS = {
    "wallet_balance": RowFilter("wallets", {"wallets": "id"}),
    "wallet_version": RowFilter("wallets", {"wallets": "id"}),
    "running_balance": RowFilter("wallets", {"ledger_entries": "wallet_id"}),
    "zero_sum": RowFilter("transfers", {"ledger_transfers": "id"}),
    "agreed_before_approved": RowFilter("targets", {"campaign_targets": "id"}),
    "approved_has_escrow_and_job": RowFilter("targets", {"campaign_targets": "id"}),
    "times_apart": RowFilter("targets", {"kept_times": "campaign_target_id"}),
    "escrow_unique": RowFilter("targets", {"escrows": "campaign_target_id"}),
    "job_unique": RowFilter("targets", {"post_jobs": "campaign_target_id"}),
    "released_is_paid_once": RowFilter("targets", {"escrows": "campaign_target_id"}),
    "refunded_is_refunded_once": RowFilter("targets", {"escrows": "campaign_target_id"}),
    "held_is_undecided": RowFilter("targets", {"escrows": "campaign_target_id"}),
    "complaint_holds_escrow": RowFilter("targets", {"escrows": "campaign_target_id"}),
    "decision_is_carried_out": RowFilter("targets", {"escrows": "campaign_target_id"}),
    "closed_complaint_has_reason": RowFilter("targets", {"complaints": "campaign_target_id"}),
    "published_again_once": RowFilter("targets", {"post_jobs": "campaign_target_id"}),
    "escrow_wallet": RowFilter("targets", {"escrows": "campaign_target_id"}),
    "escrow_wallet_owned": RowFilter("wallets", {"wallets": "id"}),
    "orphan_target": RowFilter("targets", {"campaign_targets": "id"}),
    "campaign_budget": RowFilter("campaigns", {"campaigns": "id"}),
    "clawback_booked_once": RowFilter("deposits", {"deposits": "id", "clawbacks": "deposit_id"}),
    "deposit_returned_once": RowFilter(
        "deposits", {"deposits": "id", "deposit_returns": "deposit_id"}
    ),
    "withdrawal_settled_once": RowFilter("withdrawals", {"withdrawals": "id"}),
    "withdrawal_within_due": RowFilter("withdrawals", {"withdrawals": "id"}),
    "withdrawal_wallet": RowFilter("withdrawal_wallets", {"wallets": "id"}),
    "deposit_credited_once": RowFilter("deposits", {"deposits": "id"}),
}
# `correction_done_once` and `excess_payment_booked_once` have no filter, because there are few
# corrections and few payments in excess, and all are checked.
IMPLIED = frozenset({"ledger_total"})
"""The invariants that are true if each wallet and each transfer is correct."""

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
    """Check the invariants for the rows of a scope, and return the broken invariants.

    Invariants without a filter in ROW_FILTERS are checked over all rows if the scope has wallets or
    transfers. With `whole`, they are always checked, except those in IMPLIED.
    """
    campaigns = await session.scalars(_CAMPAIGNS, {"ids": sorted(scope.targets)})
    withdrawal_wallets = await session.scalars(
        _WITHDRAWAL_WALLETS, {"ids": sorted(scope.withdrawals)}
    )
    ids = {
        "wallets": sorted(scope.wallets),
        "transfers": sorted(scope.transfers),
        "targets": sorted(scope.targets),
        "deposits": sorted(scope.deposits),
        "withdrawals": sorted(scope.withdrawals),
        "campaigns": sorted(campaigns),
        "withdrawal_wallets": sorted(scope.wallets.union(withdrawal_wallets)),
    }
    violations = []
    for invariant in invariants.INVARIANTS:
        row_filter = ROW_FILTERS.get(invariant.name)
        if row_filter is not None:
            rows = await _filtered_rows(session, invariant, row_filter, ids[row_filter.scope])
        elif scope.wallets or scope.transfers or (whole and invariant.name not in IMPLIED):
            rows = await invariants.rows(session, invariant)
        else:
            continue
        if rows:
            violations.append(Violation(invariant.name, invariant.meaning, rows))
    return violations


async def find_unscoped_violations(session: AsyncSession) -> list[Violation]:
    """Check over all rows the invariants that have no row filter."""
    violations = []
    for invariant in invariants.INVARIANTS:
        if invariant.name not in ROW_FILTERS:
            rows = await invariants.rows(session, invariant)
            if rows:
                violations.append(Violation(invariant.name, invariant.meaning, rows))
    return violations


async def _filtered_rows(
    session: AsyncSession, invariant: Invariant, row_filter: RowFilter, ids: Sequence[int]
) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    filtered_tables = ", ".join(
        f"{table} AS (SELECT * FROM public.{table} WHERE {column} = ANY (:ids))"  # noqa: S608 - constants
        for table, column in row_filter.tables.items()
    )
    filtered = replace(invariant, sql=f"WITH {filtered_tables} {invariant.sql}")
    for first in range(0, len(ids), ROWS_AT_ONCE):
        rows += await invariants.rows(session, filtered, ids[first : first + ROWS_AT_ONCE])
        if len(rows) >= invariants.MAX_ROWS:
            break
    return rows[: invariants.MAX_ROWS]
