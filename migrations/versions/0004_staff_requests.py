"""Add staff requests, payments in excess, and the kill switch `adjustments`."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import functions, online

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

OLD_SWITCHES = (
    "new_escrows",
    "payouts",
    "refunds",
    "deposits",
    "withdrawals",
    "telegram_posting",
    "worker_post",
    "worker_watchdogs",
)
SWITCHES = (*OLD_SWITCHES, "adjustments")
KINDS = (
    "run_switch",
    "block",
    "unblock",
    "retry_payment",
    "correction",
    "grant_role",
    "revoke_role",
    "record_payment",
    "clawback",
)
OLD_REASONS = (
    "deposit",
    "escrow_hold",
    "payout",
    "fee",
    "escrow_release",
    "refund",
    "withdrawal_hold",
    "withdrawal",
    "withdrawal_return",
    "clawback",
    "adjustment",
)
REASONS = (*OLD_REASONS[:-1], "excess_payment", "adjustment")
OLD_CHECKED = (
    "deposit",
    "clawback",
    "withdrawal_hold",
    "withdrawal",
    "withdrawal_return",
    "adjustment",
)
CHECKED = (*OLD_CHECKED, "excess_payment")
"""The reasons of transfers that a trigger compares with the row that caused the transfer."""
FUNCTIONS = ("require_correction_match", "check_external_transfer")
STATUSES = ("proposed", "done", "dropped")
MOVES = ("proposed>done", "proposed>dropped")


def upgrade() -> None:
    """Create the tables `staff_requests` and `excess_payments`, and the kill switch `adjustments`.

    At first, the switch is stopped.
    """
    online.run(revision, (_change_schema, _check_old_rows))


def _change_schema() -> None:
    _create_table()
    moves = ", ".join(f"'{move}'" for move in MOVES)
    op.execute(
        "CREATE TRIGGER initial_status BEFORE INSERT ON staff_requests FOR EACH ROW"
        " WHEN (NEW.status IS DISTINCT FROM 'proposed')"
        " EXECUTE FUNCTION refuse_initial_status()"
    )
    op.execute(
        "CREATE TRIGGER allowed_move BEFORE UPDATE OF status ON staff_requests FOR EACH ROW"
        " WHEN (OLD.status IS DISTINCT FROM NEW.status)"
        f" EXECUTE FUNCTION require_allowed_move({moves})"
    )
    op.execute(
        "CREATE TRIGGER never_deleted BEFORE DELETE OR TRUNCATE ON staff_requests"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    op.execute("GRANT SELECT, INSERT ON staff_requests TO adtech_app")
    op.execute(
        "GRANT UPDATE (status, acknowledged, decided_by, decided_at) ON staff_requests"
        " TO adtech_app"
    )
    _allow_switches(SWITCHES)
    op.execute("INSERT INTO kill_switches (key, reason) VALUES ('adjustments', 'created stopped')")
    _create_excess_payments()
    for name in ("has_request", "require_excess_payment_match"):
        functions.create(name, revision)
    for name in FUNCTIONS:
        functions.create(name, revision)
    _allow_reasons(REASONS, CHECKED)


def _check_old_rows() -> None:
    for table in ("ledger_transfers", "ledger_entries"):
        online.validate(table, f"ck_{table}_reason")


def downgrade() -> None:
    _allow_reasons(OLD_REASONS, OLD_CHECKED)
    _check_old_rows()
    for name in FUNCTIONS:
        functions.create(name, down_revision)
    op.execute("DROP FUNCTION require_excess_payment_match, has_request")
    op.drop_table("excess_payments")
    op.execute("DELETE FROM kill_switches WHERE key = 'adjustments'")
    _allow_switches(OLD_SWITCHES)
    op.drop_table("staff_requests")


def _create_table() -> None:
    op.create_table(
        "staff_requests",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(*KINDS, name="requestkind", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column(
            "status",
            sa.Enum(*STATUSES, name="requeststatus", native_enum=False, length=32),
            server_default="proposed",
            nullable=False,
        ),
        sa.Column("arguments", postgresql.JSONB(), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("requested_by", sa.BigInteger(), nullable=False),
        sa.Column("acknowledged", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("decided_by", sa.BigInteger(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock()"),
            nullable=False,
        ),
        sa.CheckConstraint(f"kind IN {KINDS}", name=op.f("ck_staff_requests_requestkind")),
        sa.CheckConstraint(f"status IN {STATUSES}", name=op.f("ck_staff_requests_requeststatus")),
        sa.CheckConstraint(
            "status <> 'done' OR acknowledged AND CASE"
            " WHEN kind IN ('grant_role', 'revoke_role', 'record_payment', 'clawback')"
            " THEN decided_by <> requested_by AND decided_by IS DISTINCT FROM subject_id"
            " ELSE decided_by = requested_by END",
            name=op.f("ck_staff_requests_two_people"),
        ),
        sa.CheckConstraint(
            "(status IN ('done', 'dropped')) = (decided_at IS NOT NULL)"
            " AND (status <> 'done' OR decided_by IS NOT NULL)",
            name=op.f("ck_staff_requests_decided"),
        ),
        *(
            sa.ForeignKeyConstraint(
                [column], ["users.id"], name=op.f(f"fk_staff_requests_{column}")
            )
            for column in ("subject_id", "requested_by", "decided_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_requests")),
    )
    op.create_index(
        "ix_staff_requests_open",
        "staff_requests",
        ["id"],
        postgresql_where=sa.text("status = 'proposed'"),
    )
    op.create_index("ix_staff_requests_subject", "staff_requests", ["kind", "subject_id"])


def _allow_switches(keys: tuple[str, ...]) -> None:
    name = op.f("ck_kill_switches_switch")
    op.drop_constraint(name, "kill_switches", type_="check")
    op.create_check_constraint(name, "kill_switches", f"key IN {keys}")


def _create_excess_payments() -> None:
    op.create_table(
        "excess_payments",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("withdrawal_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("recovered", sa.BigInteger(), nullable=False),
        sa.Column("loss", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("external_reference", sa.Text(), nullable=False),
        sa.Column("recorded_by", sa.BigInteger(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "amount > 0 AND recovered >= 0 AND loss >= 0 AND recovered + loss = amount",
            name=op.f("ck_excess_payments_amounts"),
        ),
        sa.ForeignKeyConstraint(
            ["withdrawal_id"], ["withdrawals.id"], name=op.f("fk_excess_payments_withdrawal_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_excess_payments_user_id")),
        sa.ForeignKeyConstraint(
            ["recorded_by"], ["users.id"], name=op.f("fk_excess_payments_recorded_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_excess_payments")),
        sa.UniqueConstraint(
            "external_reference", name=op.f("uq_excess_payments_external_reference")
        ),
    )
    op.create_index("ix_excess_payments_withdrawal_id", "excess_payments", ["withdrawal_id"])
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON excess_payments"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    op.execute(
        "CREATE CONSTRAINT TRIGGER matches_ledger AFTER INSERT OR UPDATE ON excess_payments"
        " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION check_external_transfer()"
    )
    op.execute("GRANT SELECT, INSERT ON excess_payments TO adtech_app")


def _allow_reasons(reasons: tuple[str, ...], checked: tuple[str, ...]) -> None:
    """Allow only `reasons` for transfers, and let a trigger check the reasons in `checked`."""
    for table in ("ledger_transfers", "ledger_entries"):
        name = op.f(f"ck_{table}_reason")
        op.drop_constraint(name, table, type_="check")
        op.create_check_constraint(name, table, f"reason IN {reasons}", postgresql_not_valid=True)
    op.execute("DROP TRIGGER matches_its_row ON ledger_transfers")
    op.execute(
        "CREATE CONSTRAINT TRIGGER matches_its_row AFTER INSERT ON ledger_transfers"
        f" DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.reason IN {checked})"
        " EXECUTE FUNCTION check_external_transfer()"
    )
