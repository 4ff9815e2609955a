"""Say what the `ref` of a row that breaks a rule is, and what shows that row.

The rules are the invariants, and what else an incident about the ledger, the audit chain or the
list of Stars can name. `docs/runbook.md` has the same table; a test compares both.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

REF = "REF"
"""The word in a command that stands for the `ref` of a row."""
NOTHING = "nothing"
"""The name of the thing if the rule is about no single row."""


@dataclass(frozen=True)
class Look:
    """The meaning of the `ref` in a rule's rows, and the command that shows such a row."""

    what: str
    """The name of the thing, for example `wallet`. The text `rule-row` translates it."""
    command: str
    """The command that shows the row: of a shell, of the admin chat, or SQL for `psql`."""
    column: str = "ref"
    """The column of the row whose value the command needs instead of `ref`."""

    def at(self, row: Mapping[str, Any]) -> str:
        """Return the command for one row."""
        return self.command.replace(REF, str(row.get(self.column)))


_WALLET = Look("wallet", "adtech reconcile REF")
_LINK = Look("link", "adtech verify-ledger")
_FILE = Look("file", "adtech verify-ledger")
_DEPOSIT = Look("deposit", "/deposits")

LOOKS: Mapping[str, Look] = {
    "wallet_balance": _WALLET,
    "wallet_version": _WALLET,
    "running_balance": Look("entry", "adtech reconcile REF", column="wallet_id"),
    "zero_sum": Look("transfer", "SELECT * FROM ledger_entries WHERE transfer_id = REF"),
    "ledger_total": Look(NOTHING, "adtech check --full"),
    "approved_has_escrow_and_job": Look("placement", "adtech report orphans"),
    "agreed_before_approved": Look(
        "placement", "SELECT * FROM placement_answers WHERE campaign_target_id = REF"
    ),
    "times_apart": Look("placement", "SELECT * FROM kept_times WHERE campaign_target_id = REF"),
    "escrow_unique": Look("placement", "adtech report escrow_uniqueness"),
    "job_unique": Look("placement", "adtech report job_uniqueness"),
    "released_is_paid_once": Look("placement", "adtech report unpaid_releases"),
    "refunded_is_refunded_once": Look(
        "placement", "SELECT * FROM escrows WHERE campaign_target_id = REF"
    ),
    "held_is_undecided": Look("placement", "adtech report held"),
    "deposit_credited_once": _DEPOSIT,
    "clawback_booked_once": _DEPOSIT,
    "deposit_returned_once": _DEPOSIT,
    "excess_payment_booked_once": Look(
        "excess_payment", "SELECT * FROM excess_payments WHERE id = REF"
    ),
    "withdrawal_settled_once": Look("withdrawal", "SELECT * FROM withdrawals WHERE id = REF"),
    "withdrawal_within_due": Look(
        "withdrawal", "SELECT * FROM ledger_entries WHERE reference_id = REF"
    ),
    "withdrawal_wallet": _WALLET,
    "correction_done_once": Look("correction", "SELECT * FROM corrections WHERE id = REF"),
    "complaint_holds_escrow": Look(
        "placement", "SELECT * FROM complaints WHERE campaign_target_id = REF"
    ),
    "decision_is_carried_out": Look(
        "placement", "SELECT * FROM complaints WHERE campaign_target_id = REF"
    ),
    "closed_complaint_has_reason": Look(
        "placement", "SELECT * FROM complaints WHERE campaign_target_id = REF"
    ),
    "published_again_once": Look(
        "placement", "SELECT * FROM post_jobs WHERE campaign_target_id = REF"
    ),
    "escrow_wallet": Look("placement", "SELECT * FROM escrows WHERE campaign_target_id = REF"),
    "escrow_wallet_owned": _WALLET,
    "orphan_target": Look("placement", "adtech report orphaned_targets"),
    "campaign_budget": Look("campaign", "SELECT * FROM campaign_targets WHERE campaign_id = REF"),
    "transaction_numbers": Look(NOTHING, "adtech restored"),
    "deposit_unknown_to_telegram": _DEPOSIT,
    "refund_unknown_to_telegram": _DEPOSIT,
    "audit_chain_link": _LINK,
    "audit_chain_ahead": _LINK,
    "audit_chain_late": Look(NOTHING, "adtech verify-ledger"),
    "audit_chain_file_locked": _FILE,
    "audit_chain_file_shrunk": _FILE,
    "audit_chain_file_unknown": _FILE,
    "audit_chain_file_unusable": _FILE,
    "audit_chain_file_unset": Look(NOTHING, "adtech verify-ledger"),
}
"""How to look at the rows of each rule, by the rule's name."""
