"""What the clock looks for has an index that does not grow with history.

And a suspended channel remembers that its owner had paused it.
"""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

SQL = Path(__file__).parents[1] / "sql" / "0005_settled.sql"
OUT = "status IN ('uncertain', 'success')"
GONE = "status IN ('failed', 'cancelled')"
INDEXES = {
    "ix_post_jobs_open_escalation": ("escalate_at", f"{OUT} AND NOT settled"),
    "ix_post_jobs_open_channel_id": ("channel_id", "NOT settled"),
    "ix_post_jobs_open_refund_due": ("updated_at", f"{GONE} AND NOT settled"),
}

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Old code goes on working: the database itself keeps `settled`, and fills the other."""
    op.add_column(
        "post_jobs",
        sa.Column("settled", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    op.add_column(
        "channels",
        sa.Column("was_paused", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    for statement in SQL.read_text().split("--;"):
        op.execute(sa.text(statement))
    for name, (column, which) in INDEXES.items():
        op.create_index(name, "post_jobs", [column], postgresql_where=sa.text(which))
    op.drop_index("ix_post_jobs_escalation", "post_jobs")
    op.create_index(
        "ix_inbox_failed_at",
        "inbox",
        ["failed_at"],
        postgresql_where=sa.text("failed_at IS NOT NULL"),
    )


def downgrade() -> None:
    """Take it away again."""
    op.drop_index("ix_inbox_failed_at", "inbox")
    op.create_index(
        "ix_post_jobs_escalation", "post_jobs", ["escalate_at"], postgresql_where=sa.text(OUT)
    )
    for name in INDEXES:
        op.drop_index(name, "post_jobs")
    op.execute("DROP TRIGGER settles_job ON escrows")
    op.execute("DROP FUNCTION settle_job")
    op.drop_column("channels", "was_paused")
    op.drop_column("post_jobs", "settled")
