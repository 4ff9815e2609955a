"""Write the id of the update, command or tick into each row that it adds.

The column `correlation_id` of transfers and audit rows was filled by their functions. Now the
default of each such column reads the setting `adtech.correlation_id` of the transaction.
"""

import sqlalchemy as sa
from alembic import op

from migrations import functions

revision = "0026"
down_revision = "0024"
branch_labels = None
depends_on = None

ADDED = ("post_jobs", "outbox", "deposits", "withdrawals", "staff_requests", "incidents")
FILLED = ("ledger_transfers", "user_audit_logs")
REPLACED = ("record_switch", "stop_all_switches")
"""The functions whose audit rows get the reason."""
DEFAULT = "nullif(current_setting('adtech.correlation_id', true), '')"


def upgrade() -> None:
    """Add the columns and their defaults, which need no rewrite of a table."""
    for table in ADDED:
        op.add_column(table, sa.Column("correlation_id", sa.Text(), nullable=True))
    for table in (*ADDED, *FILLED):
        op.execute(f"ALTER TABLE {table} ALTER COLUMN correlation_id SET DEFAULT {DEFAULT}")
    op.add_column("inbox", sa.Column("correlation_id", sa.Text(), nullable=True))
    op.execute("GRANT UPDATE (correlation_id) ON inbox TO adtech_bot")
    for name in REPLACED:
        functions.create(name, revision)


def downgrade() -> None:
    """Remove the columns and the defaults."""
    for name in REPLACED:
        functions.create(name, down_revision)
    op.drop_column("inbox", "correlation_id")
    for table in FILLED:
        op.execute(f"ALTER TABLE {table} ALTER COLUMN correlation_id DROP DEFAULT")
    for table in reversed(ADDED):
        op.drop_column(table, "correlation_id")
