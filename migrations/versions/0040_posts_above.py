"""Note the newer post that covers an ad within its promised hours on top."""

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None

TABLE = "posts_above"


def upgrade() -> None:
    """Create the table."""
    correlation_id = "nullif(current_setting('adtech.correlation_id', true), '')"
    op.create_table(
        TABLE,
        sa.Column("post_job_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=False),
        sa.Column("posted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock()"),
            nullable=False,
        ),
        sa.Column(
            "correlation_id", sa.Text(), server_default=sa.text(correlation_id), nullable=True
        ),
        sa.PrimaryKeyConstraint("post_job_id", name=op.f(f"pk_{TABLE}")),
        sa.ForeignKeyConstraint(
            ["post_job_id"], ["post_jobs.id"], name=op.f(f"fk_{TABLE}_post_job_id")
        ),
    )
    op.execute(
        f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {TABLE}"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    op.execute(f"GRANT SELECT ON {TABLE} TO adtech_bot, adtech_clock, adtech_reports")
    op.execute(f"GRANT INSERT ON {TABLE} TO adtech_bot")


def downgrade() -> None:
    """Remove the table."""
    op.drop_table(TABLE)
