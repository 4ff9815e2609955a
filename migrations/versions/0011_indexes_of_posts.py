"""Add two indexes: for posts by channel and message, and for notices about altered posts."""

from alembic import op

from migrations import online

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    online.create_index(
        "ix_post_jobs_channel_id_message_id",
        "post_jobs",
        ["channel_id", "message_id"],
        where="message_id IS NOT NULL",
    )
    online.create_index(
        "ix_outbox_altered",
        "outbox",
        ["created_at"],
        where="kind = 'post_altered'",
    )


def downgrade() -> None:
    op.drop_index("ix_outbox_altered", "outbox")
    op.drop_index("ix_post_jobs_channel_id_message_id", "post_jobs")
