"""Add two indexes: for posts by channel and message, and for notices about altered posts."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_post_jobs_channel_id_message_id",
        "post_jobs",
        ["channel_id", "message_id"],
        postgresql_where=sa.text("message_id IS NOT NULL"),
    )
    op.create_index(
        "ix_outbox_altered",
        "outbox",
        ["created_at"],
        postgresql_where=sa.text("kind = 'post_altered'"),
    )


def downgrade() -> None:
    op.drop_index("ix_outbox_altered", "outbox")
    op.drop_index("ix_post_jobs_channel_id_message_id", "post_jobs")
