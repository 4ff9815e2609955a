"""Let people get an unused deposit in Stars back, by a refund of its own payment.

Before, money that was paid in could only be spent or withdrawn outside of Telegram, although Telegram lets a bot
refund a payment in Stars.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from migrations import functions, online

revision = "0057"
down_revision = "0056"
branch_labels = None
depends_on = None

TABLE = "deposit_returns"
REPLACED = (
    *("check_external_transfer", "require_deposit_match", "write_audit_row"),
    *("guard_payment_update", "extend_audit_chain"),
)
LEDGER = ("ledger_transfers", "ledger_entries")
REASONS = (
    *("deposit", "escrow_hold", "payout", "fee", "escrow_release", "refund", "withdrawal_hold"),
    *("withdrawal", "withdrawal_fee", "withdrawal_return", "clawback", "excess_payment"),
)
ADDED = ("return_hold", "deposit_return", "return_refused")
LAST = ("adjustment",)
STATUSES = ("received", "credited", "clawed_back")
DEPOSIT_MOVES = ("received>credited", "received>clawed_back", "credited>clawed_back")
MOVES = (
    *("requested>sending", "requested>done", "requested>refused", "sending>done"),
    *("sending>refused", "sending>requested", "sending>uncertain", "uncertain>done"),
    "uncertain>requested",
)
FROZEN = ("deposit_id", "number", "user_id", "amount", "currency", "created_at")
INDEX = "ix_deposits_uncompared_refunds"
INDEXED = "currency = 'XTR' AND refund_comparison IS NULL AND status "
_MOVED = "old.status::text IS DISTINCT FROM new.status::text"
TRIGGERS = (
    ("TRIGGER wanted_by_payer BEFORE INSERT", None, "guard_deposit_return()"),
    (
        "TRIGGER decided_by_telegram BEFORE UPDATE OF status, claim_no",
        None,
        "guard_deposit_return()",
    ),
    ("TRIGGER switched_request BEFORE INSERT", None, "require_running('withdrawals')"),
    (
        "TRIGGER switched_claim BEFORE UPDATE OF status",
        f"{_MOVED} AND new.status = 'sending'",
        "require_running('withdrawals')",
    ),
    (
        "TRIGGER initial_status BEFORE INSERT",
        "new.status::text IS DISTINCT FROM 'requested'::text",
        "refuse_initial_status()",
    ),
    (
        "TRIGGER allowed_move BEFORE UPDATE OF status",
        _MOVED,
        "require_allowed_move({})".format(", ".join(f"'{move}'" for move in MOVES)),
    ),
    (
        f"TRIGGER frozen BEFORE UPDATE OF {', '.join(FROZEN)}",
        " OR ".join(f"old.{column} IS DISTINCT FROM new.{column}" for column in FROZEN),
        "refuse_frozen()",
    ),
    (
        "TRIGGER ended_once BEFORE UPDATE OF ended_at",
        "old.ended_at IS NOT NULL AND old.ended_at IS DISTINCT FROM new.ended_at",
        "refuse_frozen()",
    ),
    ("TRIGGER stamped BEFORE UPDATE", None, "stamp_txn()"),
    (
        "CONSTRAINT TRIGGER matches_ledger AFTER INSERT OR UPDATE",
        None,
        "check_external_transfer()",
    ),
    ("CONSTRAINT TRIGGER audited AFTER INSERT", None, "write_audit_row()"),
    (
        "CONSTRAINT TRIGGER audited_move AFTER UPDATE OF status",
        f"{_MOVED} AND new.status IN ('done', 'refused')",
        "write_audit_row()",
    ),
)
"""The triggers of the table, with their conditions and functions."""
OUTCOME = "status, lease_owner, lease_until, uncertain_at, last_error, ended_at"
GRANTS = (
    f"SELECT ON {TABLE} TO adtech_bot, adtech_clock, adtech_reports",
    f"INSERT (deposit_id, number, user_id, amount, currency) ON {TABLE} TO adtech_bot",
    f"UPDATE ({OUTCOME}) ON {TABLE} TO adtech_bot",
    f"UPDATE ({OUTCOME}, due_at, claim_no) ON {TABLE} TO adtech_clock",
)


def upgrade() -> None:
    """Create the table with its guards, then allow the new reasons and the new status."""
    online.run(revision, (_create_table, _guard_table, _allow_all, _validate, _replace_index))


def _create_table() -> None:
    op.create_table(
        TABLE,
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("deposit_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                *("requested", "sending", "uncertain", "done", "refused"),
                name=op.f(f"ck_{TABLE}_returnstatus"),
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            server_default="requested",
            nullable=False,
        ),
        _time("due_at", server_default=sa.text("clock()"), nullable=False),
        sa.Column("claim_no", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("lease_owner", sa.Text(), nullable=True),
        _time("lease_until"),
        _time("uncertain_at"),
        sa.Column("last_error", sa.Text(), nullable=True),
        _time("ended_at"),
        _time("created_at", server_default=sa.text("clock()"), nullable=False),
        sa.Column("txn", sa.BigInteger(), server_default=sa.text("ledger_txn()"), nullable=False),
        sa.Column(
            "correlation_id",
            sa.Text(),
            server_default=sa.text("nullif(current_setting('adtech.correlation_id', true), '')"),
            nullable=True,
        ),
        sa.CheckConstraint("amount > 0", name=op.f(f"ck_{TABLE}_amount")),
        sa.CheckConstraint("number >= 0", name=op.f(f"ck_{TABLE}_number")),
        sa.CheckConstraint(
            "(status = 'sending') = (lease_owner IS NOT NULL AND lease_until IS NOT NULL)",
            name=op.f(f"ck_{TABLE}_lease"),
        ),
        sa.CheckConstraint(
            "(status = 'uncertain') = (uncertain_at IS NOT NULL)",
            name=op.f(f"ck_{TABLE}_uncertain"),
        ),
        sa.ForeignKeyConstraint(
            ["deposit_id"], ["deposits.id"], name=op.f(f"fk_{TABLE}_deposit_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f(f"fk_{TABLE}_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{TABLE}")),
        sa.UniqueConstraint("deposit_id", "number", name=op.f(f"uq_{TABLE}_deposit_id_number")),
    )
    op.create_index(
        f"uq_{TABLE}_once",
        TABLE,
        ["deposit_id"],
        unique=True,
        postgresql_where=sa.text("status <> 'refused'"),
    )
    op.create_index(
        f"ix_{TABLE}_open",
        TABLE,
        ["due_at"],
        postgresql_where=sa.text("status IN ('requested', 'sending', 'uncertain')"),
    )
    op.create_index(f"ix_{TABLE}_user_id", TABLE, ["user_id"])
    op.create_index(f"ix_{TABLE}_txn", TABLE, ["txn"])
    op.create_index(
        f"ix_{TABLE}_correlation_id", TABLE, ["correlation_id"], postgresql_using="hash"
    )


def _time(name: str, **more: Any) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), **more)


def _guard_table() -> None:
    for name in ("guard_deposit_return", "require_return_match", *REPLACED):
        functions.create(name, revision)
    for trigger, condition, function in TRIGGERS:
        when = f" WHEN ({condition})" if condition else ""
        deferred = " DEFERRABLE INITIALLY DEFERRED" if trigger.startswith("CONSTRAINT") else ""
        op.execute(
            f"CREATE {trigger} ON {TABLE}{deferred} FOR EACH ROW{when} EXECUTE FUNCTION {function}"
        )
    op.execute(
        f"CREATE TRIGGER never_deleted BEFORE DELETE OR TRUNCATE ON {TABLE}"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    op.execute(
        "CREATE CONSTRAINT TRIGGER matches_return AFTER INSERT ON ledger_transfers"
        f" DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (new.reason IN {ADDED})"
        " EXECUTE FUNCTION check_external_transfer()"
    )
    for right in GRANTS:
        op.execute(f"GRANT {right}")


def _allow_all() -> None:
    _allow(
        (*REASONS, *ADDED, *LAST), (*STATUSES, "returned"), (*DEPOSIT_MOVES, "credited>returned")
    )


def _allow(reasons: tuple[str, ...], statuses: tuple[str, ...], moves: tuple[str, ...]) -> None:
    for table in LEDGER:
        _replace_check(table, "reason", f"reason IN {reasons}")
    _replace_check("deposits", "depositstatus", f"status IN {statuses}")
    op.execute(
        "CREATE OR REPLACE TRIGGER allowed_move BEFORE UPDATE OF status ON deposits FOR EACH ROW"
        f" WHEN ({_MOVED}) EXECUTE FUNCTION require_allowed_move"
        f"({', '.join(repr(move) for move in moves)})"
    )


def _replace_check(table: str, name: str, rule: str) -> None:
    constraint = op.f(f"ck_{table}_{name}")
    op.drop_constraint(constraint, table, type_="check")
    op.create_check_constraint(constraint, table, rule, postgresql_not_valid=True)


def _validate() -> None:
    for table in LEDGER:
        online.validate(table, f"ck_{table}_reason")
    online.validate("deposits", "ck_deposits_depositstatus")


def _replace_index() -> None:
    online.replace_index(
        INDEX, "deposits", ["id"], where=INDEXED + "IN ('clawed_back', 'returned')"
    )


def downgrade() -> None:
    """Restore the functions, and remove the table, the reasons and the status."""
    online.replace_index(INDEX, "deposits", ["id"], where=INDEXED + "= 'clawed_back'")
    op.execute("DROP TRIGGER matches_return ON ledger_transfers")
    for name in REPLACED:
        functions.create(name, down_revision)
    op.drop_table(TABLE)
    op.execute("DROP FUNCTION guard_deposit_return()")
    op.execute("DROP FUNCTION require_return_match(bigint)")
    _allow((*REASONS, *LAST), STATUSES, DEPOSIT_MOVES)
    _validate()
