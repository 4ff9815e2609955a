"""Let two admins together record that an uncertain post is published."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a table for the admins' statements, without the right to change rows."""
    op.create_table(
        "publication_statements",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("post_job_id", sa.BigInteger(), nullable=False),
        sa.Column("claim_no", sa.BigInteger(), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=False),
        sa.Column("stated_by", sa.BigInteger(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["post_job_id"], ["post_jobs.id"], name=op.f("fk_publication_statements_post_job_id")
        ),
        sa.ForeignKeyConstraint(
            ["stated_by"], ["users.id"], name=op.f("fk_publication_statements_stated_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_publication_statements")),
    )
    op.create_index(
        "ix_publication_statements_post_job_id", "publication_statements", ["post_job_id"]
    )
    op.execute("GRANT SELECT, INSERT ON publication_statements TO adtech_app")


def downgrade() -> None:
    op.drop_table("publication_statements")
