"""Find the rows of an update, command or tick by its id without reading whole tables.

Before, `adtech trace` read each table as a whole: 0.5 s for an audit log with 10^6 rows alone.
"""

import sqlalchemy as sa
from alembic import op

from migrations import online

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

TABLES = ("user_audit_logs", "ledger_transfers", "outbox", "deposits", "inbox")
ORIGIN = "ix_user_audit_logs_origin_id"


def upgrade() -> None:
    """Create the indexes without blocking writers."""
    for table in TABLES:
        online.create_index(f"ix_{table}_correlation_id", table, ["correlation_id"], using="hash")
    online.create_index(
        ORIGIN, "user_audit_logs", [sa.text("(metadata ->> 'origin_id')")], using="hash"
    )


def downgrade() -> None:
    """Remove the indexes."""
    op.drop_index(ORIGIN, "user_audit_logs")
    for table in reversed(TABLES):
        op.drop_index(f"ix_{table}_correlation_id", table)
