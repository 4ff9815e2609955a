"""Store the fee of each withdrawal, how long payouts in Stars must wait, and who removed too many posts.

Before, a withdrawal was always paid whole, and money could leave the platform while Telegram still held the
Stars that it came from. An owner could remove posts early again and again, and still be offered.
"""

import sqlalchemy as sa
from alembic import op

from migrations import functions, online

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

INDEX = "ix_ledger_entries_payouts"
REPLACED = (
    *("require_own_act", "require_withdrawal_match", "check_external_transfer"),
    *("require_excess_payment_match", "extend_audit_chain"),
)
FROZEN = ("user_id", "amount", "currency", "key", "destination_id")
"""The columns of a withdrawal that never changed before this revision."""
LEDGER = ("ledger_transfers", "ledger_entries")
REASONS = (
    *("deposit", "escrow_hold", "payout", "fee", "escrow_release", "refund", "withdrawal_hold"),
    *("withdrawal", "withdrawal_return", "clawback", "excess_payment", "adjustment"),
)
PARTS = ("fee", "escrow_release")
"""The reasons that only an entry has, and no transfer."""
FEE = "withdrawal_fee"
REMOVALS = (
    ("suspend_after_removals", "text", "adtech_clock"),
    ("offer_channel_again", "bigint, bigint, text, text, text", "adtech_bot"),
)
"""The new functions about early removals: name, arguments, and which login may call them."""
_REMOVAL_COLUMNS = ("removed_early_at", "removals_seen_at")


def upgrade() -> None:
    """Create the index, then the columns with their guards, then the new reason of entries."""
    online.create_index(
        INDEX, "ledger_entries", ["wallet_id", "created_at"], where="reason = 'payout'"
    )
    online.run(revision, (_add_terms, _add_reason, _add_removals, _validate))


def _add_terms() -> None:
    op.add_column(
        "withdrawals",
        sa.Column("fee", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
    )
    op.add_column("withdrawals", sa.Column("hold_days", sa.BigInteger(), nullable=True))
    for name, rule in (("fee", "fee >= 0 AND fee < amount"), ("hold_days", "hold_days > 0")):
        op.create_check_constraint(
            op.f(f"ck_withdrawals_{name}"), "withdrawals", rule, postgresql_not_valid=True
        )
    _freeze((*FROZEN, "fee", "hold_days"))
    for name in (*REPLACED, "require_payout_hold"):
        functions.create(name, revision)
    op.execute(
        "CREATE CONSTRAINT TRIGGER young_payouts_stay AFTER INSERT ON withdrawals"
        " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (new.hold_days IS NOT NULL)"
        " EXECUTE FUNCTION require_payout_hold()"
    )


def _freeze(columns: tuple[str, ...]) -> None:
    differs = " OR ".join(f"old.{column} IS DISTINCT FROM new.{column}" for column in columns)
    op.execute(
        f"CREATE OR REPLACE TRIGGER frozen BEFORE UPDATE OF {', '.join(columns)} ON withdrawals"
        f" FOR EACH ROW WHEN ({differs}) EXECUTE FUNCTION refuse_frozen()"
    )


def _add_reason() -> None:
    _allow((*REASONS, FEE), (*PARTS, FEE))


def _allow(reasons: tuple[str, ...], parts: tuple[str, ...]) -> None:
    for table in LEDGER:
        _replace_check(table, "reason", f"reason IN {reasons}")
    _replace_check("ledger_transfers", "reason_of_transfer", f"reason NOT IN {parts}")


def _replace_check(table: str, name: str, rule: str) -> None:
    constraint = op.f(f"ck_{table}_{name}")
    op.drop_constraint(constraint, table, type_="check")
    op.create_check_constraint(constraint, table, rule, postgresql_not_valid=True)


def _add_removals() -> None:
    for name in _REMOVAL_COLUMNS:
        op.add_column("channels", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    op.create_check_constraint(
        op.f("ck_channels_removed_early"),
        "channels",
        "removed_early_at IS NULL OR status NOT IN ('active', 'paused')",
        postgresql_not_valid=True,
    )
    for name, _, login in REMOVALS:
        functions.create(name, revision)
        op.execute(f"GRANT EXECUTE ON FUNCTION {name} TO {login}")
    functions.create("forget_removals", revision)
    op.execute(
        "CREATE TRIGGER new_start BEFORE UPDATE OF owner_id ON channels FOR EACH ROW"
        " WHEN (old.owner_id <> new.owner_id) EXECUTE FUNCTION forget_removals()"
    )


def _validate() -> None:
    online.validate("withdrawals", "ck_withdrawals_fee", "ck_withdrawals_hold_days")
    online.validate("channels", "ck_channels_removed_early")
    _validate_ledger()


def _validate_ledger() -> None:
    online.validate("ledger_entries", "ck_ledger_entries_reason")
    online.validate(
        "ledger_transfers", "ck_ledger_transfers_reason", "ck_ledger_transfers_reason_of_transfer"
    )


def downgrade() -> None:
    """Restore the functions and constraints, and remove the columns and the index."""
    op.execute("DROP TRIGGER new_start ON channels")
    op.execute("DROP FUNCTION forget_removals()")
    for name, arguments, _ in REMOVALS:
        op.execute(f"DROP FUNCTION {name}({arguments})")
    for name in _REMOVAL_COLUMNS:
        op.drop_column("channels", name)
    op.execute("DROP TRIGGER young_payouts_stay ON withdrawals")
    op.execute("DROP FUNCTION require_payout_hold()")
    for name in REPLACED:
        functions.create(name, down_revision)
    _freeze(FROZEN)
    _allow(REASONS, PARTS)
    _validate_ledger()
    op.drop_column("withdrawals", "hold_days")
    op.drop_column("withdrawals", "fee")
    op.drop_index(INDEX, "ledger_entries")
