"""Refuse a second payment with the same external reference, and remember a list's newest transaction.

Withdrawals and payments in excess share their external references. The primary key of one table for both
also refuses two payments that are recorded at the same time. The reference of a paid withdrawal never
changes. In Telegram's list of Stars, the position alone does not show that Telegram has dropped old
transactions.
"""

import sqlalchemy as sa
from alembic import op

from migrations import functions

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_CHANGED = "OLD.external_reference IS DISTINCT FROM NEW.external_reference"
_USE = "EXECUTE FUNCTION use_external_reference()"

TRIGGERS = (
    (
        "append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON external_references FOR EACH STATEMENT"
        " EXECUTE FUNCTION refuse_change()"
    ),
    f"uses_reference BEFORE INSERT ON excess_payments FOR EACH ROW {_USE}",
    (
        "uses_reference BEFORE INSERT ON withdrawals FOR EACH ROW"
        f" WHEN (NEW.external_reference IS NOT NULL) {_USE}"
    ),
    (
        "used_reference BEFORE UPDATE OF external_reference ON withdrawals FOR EACH ROW"
        f" WHEN (OLD.external_reference IS NULL AND {_CHANGED}) {_USE}"
    ),
    (
        "paid_once BEFORE UPDATE OF external_reference ON withdrawals FOR EACH ROW"
        f" WHEN (OLD.external_reference IS NOT NULL AND {_CHANGED})"
        " EXECUTE FUNCTION refuse_frozen()"
    ),
)


def upgrade() -> None:
    """Add the references that are used, their triggers, and the column for the transaction."""
    op.create_table(
        "external_references",
        sa.Column("external_reference", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("external_reference", name=op.f("pk_external_references")),
    )
    functions.create("use_external_reference", revision)
    for trigger in TRIGGERS:
        op.execute(f"CREATE TRIGGER {trigger}")
    op.execute("GRANT SELECT ON external_references TO adtech_bot, adtech_clock, adtech_reports")
    op.execute(
        """
        INSERT INTO external_references (external_reference)
        SELECT external_reference FROM withdrawals WHERE external_reference IS NOT NULL
        UNION SELECT external_reference FROM excess_payments
        """
    )
    op.add_column("star_list_positions", sa.Column("newest", sa.Text(), nullable=True))
    op.execute("GRANT UPDATE (newest) ON star_list_positions TO adtech_clock")


def downgrade() -> None:
    """Remove the references, their triggers and the column."""
    op.drop_column("star_list_positions", "newest")
    for trigger, table in (
        ("paid_once", "withdrawals"),
        ("used_reference", "withdrawals"),
        ("uses_reference", "withdrawals"),
        ("uses_reference", "excess_payments"),
    ):
        op.execute(f"DROP TRIGGER {trigger} ON {table}")
    op.drop_table("external_references")
    op.execute("DROP FUNCTION use_external_reference()")
