"""Let the database itself refuse acts with a stolen password around switches, incidents and checks.

Before, a login could let a switch run again in nobody's name. `adtech_bot` could also write a check of the
ledger and close an incident with it, in the name of any operator. No trigger read the kill switches.
`adtech_bot` could also end a breach (a promise that a channel's owner broke) and write the check that pays
the owner. It could credit a refund as a payment, and mark a payment as handled that is not in the books.
A message under the key of another login's message stopped the true one, for example the digest of the chain.
It could buy in the name of any person, and give a channel to another owner.
"""

import sqlalchemy as sa
from alembic import op

from migrations import functions

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

REPLACED = ("run_switch", "guard_incident")
ADDED = (
    ("require_other_person", "text, bigint"),
    ("record_ledger_check", "bigint, jsonb, jsonb, timestamptz"),
    ("require_running", ""),
    ("has_decided", "post_jobs, text[]"),
    ("guard_breach", ""),
    ("guard_check", ""),
    ("require_payment_report", ""),
    ("guard_payment_update", ""),
    ("guard_notice", ""),
    ("require_own_act", ""),
)
_CHANGES = "OLD.status <> NEW.status AND NEW.status"
SWITCHED = (
    ("switched_hold", "INSERT", "escrows", None, "'new_escrows'"),
    ("switched_release", "UPDATE OF status", "escrows", f"{_CHANGES} = 'released'", "'payouts'"),
    ("switched_refund", "UPDATE OF status", "escrows", f"{_CHANGES} = 'refunded'", "'refunds'"),
    ("switched_request", "INSERT", "withdrawals", None, "'withdrawals'"),
    (
        "switched_approval",
        "UPDATE OF status",
        "withdrawals",
        f"{_CHANGES} = 'approved'",
        "'withdrawals'",
    ),
    ("switched_credit", "UPDATE OF status", "deposits", f"{_CHANGES} = 'credited'", "'deposits'"),
    (
        "switched_correction",
        "UPDATE OF status",
        "corrections",
        (
            f"{_CHANGES} IN ('confirmed', 'done')"
            " AND NEW.kind IN ('adjustment', 'missing_payout', 'escrow_reversal')"
        ),
        "'adjustments'",
    ),
    (
        "switched_claim",
        "UPDATE OF status",
        "post_jobs",
        f"{_CHANGES} = 'sending'",
        "'telegram_posting', 'worker_post'",
    ),
)
"""The triggers that read switches: name, event, table, condition, and the keys of the switches."""
_OF_DATABASE = (
    "'switch_changed', 'role_reconciled', 'role_kept_revoked', 'role_kept_granted',"
    " 'staff_blocked', 'admin_chat_moved', 'staff_request_changed', 'ledger_violation',"
    " 'audit_chain_broken', 'audit_chain_file_added'"
)
_OF_CLOCK = (
    "'audit_chain_extended', 'telegram_down', 'telegram_back',"
    " 'escrow_watchdog', 'target_paid', 'target_refunded', 'post_gone', 'post_breach_refunded'"
)
_KIND_OR_KEY = "NEW.kind IN ({0}) OR split_part(NEW.key, ':', 1) IN ({0})"
NOTICES = (
    ("written_by_database", "INSERT", "outbox", _KIND_OR_KEY.format(_OF_DATABASE), "'database'"),
    ("written_by_clock", "INSERT", "outbox", _KIND_OR_KEY.format(_OF_CLOCK), "'clock'"),
)
"""The triggers of the outbox: name, event, table, condition, and who else than the owner may write."""
GUARDED = (
    (
        "breach_decided",
        "UPDATE OF breach, breach_refund_at",
        "post_jobs",
        "(OLD.breach, OLD.breach_refund_at) IS DISTINCT FROM (NEW.breach, NEW.breach_refund_at)",
        "guard_breach",
    ),
    ("checked_by", "INSERT", "post_checks", None, "guard_check"),
    ("bought_by_advertiser", "INSERT", "campaign_targets", None, "require_own_act"),
    (
        "taken_over_by_owner",
        "UPDATE OF owner_id",
        "channels",
        "OLD.owner_id <> NEW.owner_id",
        "require_own_act",
    ),
    (
        "reported_payment",
        "UPDATE OF status",
        "deposits",
        f"{_CHANGES} = 'credited'",
        "require_payment_report",
    ),
    (
        "payment_booked",
        "UPDATE OF done_at, payload",
        "inbox",
        (
            "OLD.payload -> 'message' ?| ARRAY['successful_payment', 'refunded_payment']"
            " AND (NEW.done_at IS NOT NULL OR NEW.payload IS NULL)"
        ),
        "guard_payment_update",
    ),
)
"""The other triggers: name, event, table, condition, and function."""
CHANGED_RIGHTS = (
    ("INSERT ON ledger_checkpoints", "adtech_bot, adtech_clock", None),
    ("EXECUTE ON FUNCTION record_ledger_check", None, "adtech_clock"),
    ("UPDATE (closed_in) ON incidents", None, "adtech_bot"),
)
"""Each right, the logins that lose it, and the logins that get it."""


def upgrade() -> None:
    """Add the functions and triggers, and take rights away."""
    op.add_column("incidents", sa.Column("closed_in", sa.BigInteger(), nullable=True))
    op.create_unique_constraint(op.f("uq_incidents_closed_in"), "incidents", ["closed_in"])
    for name, _ in ADDED:
        functions.create(name, revision)
    for name in REPLACED:
        functions.create(name, revision)
    for name, event, table, condition, keys in SWITCHED:
        _create_trigger(name, event, table, condition, f"require_running({keys})")
    for name, event, table, condition, writer in NOTICES:
        _create_trigger(name, event, table, condition, f"guard_notice({writer})")
    for name, event, table, condition, function in GUARDED:
        _create_trigger(name, event, table, condition, f"{function}()")
    for right, losers, receivers in CHANGED_RIGHTS:
        if losers:
            op.execute(f"REVOKE {right} FROM {losers}")
        if receivers:
            op.execute(f"GRANT {right} TO {receivers}")


def _create_trigger(
    name: str, event: str, table: str, condition: str | None, function: str
) -> None:
    when = f" WHEN ({condition})" if condition else ""
    op.execute(
        f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW{when}"
        f" EXECUTE FUNCTION {function}"
    )


def downgrade() -> None:
    """Remove the functions and triggers, and give the rights back."""
    for right, losers, receivers in reversed(CHANGED_RIGHTS):
        if receivers:
            op.execute(f"REVOKE {right} FROM {receivers}")
        if losers:
            op.execute(f"GRANT {right} TO {losers}")
    for name, _, table, _, _ in (*SWITCHED, *NOTICES, *GUARDED):
        op.execute(f"DROP TRIGGER {name} ON {table}")
    for name in REPLACED:
        functions.create(name, down_revision)
    for name, arguments in reversed(ADDED):
        op.execute(f"DROP FUNCTION {name}({arguments})")
    op.drop_column("incidents", "closed_in")
