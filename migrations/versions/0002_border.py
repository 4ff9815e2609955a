"""Withdrawals, clawbacks and corrections: money that crosses the border, and repairs of the books.

The version before runs on this schema: it writes none of the new rows, and what it writes (a
deposit that is credited) passes the new guards.
"""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

SQL = Path(__file__).parents[1] / "sql"
FUNCTIONS = (
    "hold_again",
    "balance_orphan",
    "reset_balance",
    "repair",
    "guard_correction",
    "check_border",
    "require_correction_match",
    "require_withdrawal_match",
    "require_deposit_match",
    "require_legs",
    "lock_wallet",
)
# One line of a function changes: (function, line before, line after).
LINES = (
    (
        "post_transfer",
        "w.kind <> 'external' AND",
        "w.kind NOT IN ('external', 'loss') AND",
    ),
    (
        "require_escrow_match",
        "JOIN ledger_entries e ON e.transfer_id = t.id;",
        "JOIN explained_entries e ON e.transfer_id = t.id AND e.reason <> 'adjustment';",
    ),
)
KINDS = ("user", "escrow", "revenue", "external", "withdrawal")
BELONGS = (
    "(kind IN ('user', 'withdrawal') AND user_id IS NOT NULL AND counterparty_id IS NULL)"
    " OR (kind IN ({platform}) AND user_id IS NULL AND counterparty_id IS NOT NULL)"
    " OR (kind = 'escrow' AND user_id IS NULL AND counterparty_id IS NULL)"
)

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def run_file(name: str) -> None:
    """Run a file's statements one by one: the driver takes one at a time."""
    for statement in (SQL / name).read_text().split("--;"):
        op.execute(sa.text(statement.replace(":", "\\:")))


def change_line(function: str, before: str, after: str) -> None:
    """Change one line of a function, and leave the rest as whichever step made it."""
    op.execute(
        sa.text(
            f"""
            DO $do$
            DECLARE
                v_body text := pg_get_functiondef((SELECT oid FROM pg_proc
                    WHERE proname = '{function}' AND pronamespace = 'public'::regnamespace));
            BEGIN
                IF position($line${before}$line$ IN v_body) = 0 THEN
                    RAISE EXCEPTION 'a line of {function} is not there';
                END IF;
                EXECUTE replace(v_body, $line${before}$line$, $line${after}$line$);
            END $do$
            """.replace(":", "\\:")  # noqa: S608 - the lines above
        )
    )


def replace_check(table: str, name: str, condition: str) -> None:
    """Put another CHECK in the place of one; validated without keeping writers out."""
    op.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({condition}) NOT VALID")
    op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}")


def word(name: str, *words: str, default: str | None = None) -> sa.Column[str]:
    """A column of one of a few words."""
    kind = sa.Enum(*words, name=name, native_enum=False, create_constraint=True, length=32)
    column = "status" if name.endswith("status") else "kind"
    return sa.Column(column, kind, server_default=default, nullable=False)


def upgrade() -> None:
    quoted = ", ".join(f"'{kind}'" for kind in (*KINDS, "loss"))
    replace_check("wallets", "ck_wallets_walletkind", f"kind IN ({quoted})")
    replace_check(
        "wallets", "ck_wallets_not_negative", "balance >= 0 OR kind IN ('external', 'loss')"
    )
    replace_check(
        "wallets",
        "ck_wallets_belongs",
        BELONGS.format(platform="'revenue', 'external', 'loss'"),
    )
    op.add_column("withdrawals", sa.Column("key", sa.Text()))
    op.add_column("withdrawals", sa.Column("return_reason", sa.Text()))
    op.create_unique_constraint(op.f("uq_withdrawals_key"), "withdrawals", ["key"])
    op.create_check_constraint(
        op.f("ck_withdrawals_settled"),
        "withdrawals",
        "(status IN ('paid', 'returned')) = (settled_at IS NOT NULL)"
        " AND (status = 'paid') = (external_reference IS NOT NULL)",
    )
    op.create_index(
        "ix_withdrawals_open",
        "withdrawals",
        ["id"],
        postgresql_where=sa.text("status IN ('requested', 'approved')"),
    )
    op.create_table(
        "clawbacks",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("deposit_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("recovered", sa.BigInteger(), nullable=False),
        sa.Column("loss", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "amount > 0 AND recovered >= 0 AND loss >= 0 AND recovered + loss IN (0, amount)",
            name=op.f("ck_clawbacks_amounts"),
        ),
        sa.ForeignKeyConstraint(
            ["deposit_id"], ["deposits.id"], name=op.f("fk_clawbacks_deposit_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_clawbacks_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clawbacks")),
        sa.UniqueConstraint("deposit_id", name=op.f("uq_clawbacks_deposit_id")),
    )
    op.create_index("ix_clawbacks_user_id", "clawbacks", ["user_id"])
    op.create_table(
        "corrections",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        word(
            "correctionkind",
            "adjustment",
            "missing_payout",
            "balance_reset",
            "orphan_entry",
            "escrow_reversal",
        ),
        sa.Column("wallet_id", sa.BigInteger()),
        sa.Column("other_wallet_id", sa.BigInteger()),
        sa.Column("amount", sa.BigInteger()),
        sa.Column("entry_id", sa.BigInteger()),
        sa.Column("target_id", sa.BigInteger()),
        word("correctionstatus", "proposed", "confirmed", "done", "dropped", default="proposed"),
        sa.Column("key", sa.Text()),
        sa.Column("proposed_by", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("confirmed_by", sa.BigInteger()),
        sa.Column("confirm_reason", sa.Text()),
        sa.Column("done_at", sa.DateTime(timezone=True)),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock()"),
            nullable=False,
        ),
        sa.CheckConstraint("proposed_by <> confirmed_by", name=op.f("ck_corrections_two_people")),
        sa.CheckConstraint(
            "CASE status WHEN 'proposed' THEN confirmed_by IS NULL WHEN 'dropped' THEN true"
            " ELSE confirmed_by IS NOT NULL END"
            " AND (confirmed_by IS NULL) = (confirm_reason IS NULL)"
            " AND (status = 'done') = (done_at IS NOT NULL)",
            name=op.f("ck_corrections_status_shown"),
        ),
        sa.CheckConstraint(
            "CASE kind WHEN 'adjustment' THEN wallet_id <> other_wallet_id AND amount > 0"
            " AND entry_id IS NULL AND target_id IS NULL"
            " WHEN 'balance_reset' THEN wallet_id IS NOT NULL AND other_wallet_id IS NULL"
            " AND amount IS NULL AND entry_id IS NULL AND target_id IS NULL"
            " WHEN 'orphan_entry' THEN wallet_id IS NOT NULL AND amount <> 0"
            " AND entry_id IS NOT NULL AND target_id IS NULL"
            " ELSE target_id IS NOT NULL AND wallet_id IS NULL AND other_wallet_id IS NULL"
            " AND amount IS NULL AND entry_id IS NULL END IS TRUE",
            name=op.f("ck_corrections_what"),
        ),
        *(
            sa.ForeignKeyConstraint(
                [column], [f"{table}.id"], name=op.f(f"fk_corrections_{column}")
            )
            for column, table in (
                ("wallet_id", "wallets"),
                ("other_wallet_id", "wallets"),
                ("entry_id", "ledger_entries"),
                ("target_id", "campaign_targets"),
                ("proposed_by", "users"),
                ("confirmed_by", "users"),
            )
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_corrections")),
        sa.UniqueConstraint("key", name=op.f("uq_corrections_key")),
    )
    op.create_index(
        "uq_corrections_open",
        "corrections",
        ["kind", sa.text("coalesce(wallet_id, target_id)"), sa.text("coalesce(entry_id, 0)")],
        unique=True,
        postgresql_where=sa.text("kind <> 'adjustment' AND status IN ('proposed', 'confirmed')"),
    )
    op.create_index(
        "uq_corrections_entry_id",
        "corrections",
        ["entry_id"],
        unique=True,
        postgresql_where=sa.text("status = 'done'"),
    )
    op.create_index(
        "ix_corrections_open",
        "corrections",
        ["id"],
        postgresql_where=sa.text("status IN ('proposed', 'confirmed')"),
    )
    run_file("0002_border.sql")
    run_file("0002_repair.sql")
    for function, before, after in LINES:
        change_line(function, before, after)


def downgrade() -> None:
    """Take it away again; refused by the checks once somebody has lost money to anybody."""
    for function, before, after in LINES:
        change_line(function, after, before)
    for table, trigger in (
        ("ledger_transfers", "matches_its_row"),
        ("deposits", "matches_ledger"),
        ("deposits", "never_deleted"),
        ("withdrawals", "matches_ledger"),
        ("withdrawals", "never_deleted"),
    ):
        op.execute(f"DROP TRIGGER {trigger} ON {table}")
    op.execute("DROP VIEW explained_entries")
    op.execute("DROP FUNCTION balance_orphan")  # its argument is a row of corrections
    for table in ("corrections", "clawbacks"):
        op.execute(f"DROP TABLE {table}")
    for function in FUNCTIONS:
        op.execute(f"DROP FUNCTION IF EXISTS {function}")
    op.execute("ALTER TABLE withdrawals DROP CONSTRAINT ck_withdrawals_settled")
    for column in ("key", "return_reason"):
        op.drop_column("withdrawals", column)
    op.drop_index("ix_withdrawals_open", "withdrawals")
    quoted = ", ".join(f"'{kind}'" for kind in KINDS)
    replace_check("wallets", "ck_wallets_belongs", BELONGS.format(platform="'revenue', 'external'"))
    replace_check("wallets", "ck_wallets_not_negative", "balance >= 0 OR kind = 'external'")
    replace_check("wallets", "ck_wallets_walletkind", f"kind IN ({quoted})")
