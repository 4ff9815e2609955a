"""What is needed to find an uncertain post, to look at live ones, and to offer dead letters."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

SQL = Path(__file__).parents[1] / "sql"
COLUMNS = (
    "unsent_claim_no",
    "abandoned",
    "known_message_id",
    "first_absent_at",
    "next_check_at",
    "escalate_at",
    "offered_at",
)
INDEXES = {"ix_post_jobs_next_check": "next_check_at", "ix_post_jobs_escalation": "escalate_at"}

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add columns that the version before need not know; none of this rewrites the table."""
    moment = sa.DateTime(timezone=True)
    op.add_column("post_jobs", sa.Column("unsent_claim_no", sa.BigInteger(), nullable=True))
    op.add_column(
        "post_jobs",
        sa.Column("abandoned", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
    )
    op.add_column("post_jobs", sa.Column("known_message_id", sa.BigInteger(), nullable=True))
    op.add_column("post_jobs", sa.Column("first_absent_at", moment, nullable=True))
    op.add_column("post_jobs", sa.Column("next_check_at", moment, nullable=True))
    op.add_column("post_jobs", sa.Column("escalate_at", moment, nullable=True))
    op.add_column("post_jobs", sa.Column("offered_at", moment, nullable=True))
    # The default comes after the column: together they would rewrite every row under a lock.
    op.alter_column("post_jobs", "next_check_at", server_default=sa.text("clock()"))
    for name, column in INDEXES.items():
        op.create_index(
            name,
            "post_jobs",
            [column],
            postgresql_where=sa.text("status IN ('uncertain', 'success')"),
        )
    for statement in (SQL / "0004_doubts.sql").read_text().split("--;"):
        op.execute(sa.text(statement))


def downgrade() -> None:
    """Take them away again."""
    for name in INDEXES:
        op.drop_index(name, "post_jobs")
    for column in reversed(COLUMNS):
        op.drop_column("post_jobs", column)
