"""Which transaction wrote a row, for checks that cost what is new; seals over the ledger."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

SQL = Path(__file__).parents[1] / "sql" / "0003_checks.sql"
STAMPED = ("escrows", "deposits", "withdrawals", "campaign_targets", "post_jobs")

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Old code goes on working: it names its columns, and the new ones fill themselves."""
    op.create_table(
        "audit_chain_links",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("from_txn", sa.BigInteger(), nullable=False),
        sa.Column("upto_txn", sa.BigInteger(), nullable=False),
        sa.Column("entries", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock()"),
            nullable=False,
        ),
        sa.CheckConstraint("from_txn < upto_txn", name=op.f("ck_audit_chain_links_range")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_audit_chain_links")),
    )
    for statement in SQL.read_text().split("--;"):
        op.execute(sa.text(statement.replace(":", "\\:")))


def downgrade() -> None:
    for table in STAMPED:
        op.execute(f"DROP TRIGGER stamped ON {table}")
    op.drop_table("audit_chain_links")
    for table in ("ledger_entries", *STAMPED):
        op.drop_column(table, "txn")
    op.drop_column("ledger_checkpoints", "full_since")
    op.drop_column("ledger_checkpoints", "progress")
    op.drop_constraint("uq_ledger_entries_wallet_id_version", "ledger_entries")
    op.create_unique_constraint(
        "uq_ledger_entries_wallet_id_version", "ledger_entries", ["wallet_id", "version"]
    )
    for function in ("restart_ledger_txn", "stamp_txn", "ledger_horizon", "ledger_txn"):
        op.execute(f"DROP FUNCTION {function}")
