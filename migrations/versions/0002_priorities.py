"""Give each message of the outbox a priority, and add an index of open updates by lane."""

import sqlalchemy as sa
from alembic import op

from migrations import online

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_QUEUED = "status = 'queued'"
_OPEN = "done_at IS NULL AND failed_at IS NULL"


def upgrade() -> None:
    """Add the column `priority` to the outbox, and add indexes to the outbox and the inbox.

    Queued messages get the priority 1 (RESULT).
    """
    online.run(revision, (_add_priority, _create_indexes))


def _add_priority() -> None:
    op.add_column(
        "outbox",
        sa.Column("priority", sa.SmallInteger(), server_default=sa.text("1"), nullable=False),
    )


def _create_indexes() -> None:
    online.create_index("ix_inbox_lane", "inbox", ["lane", "id"], where=_OPEN)
    online.replace_index("ix_outbox_queued", "outbox", ["priority", "due_at", "id"], where=_QUEUED)


def downgrade() -> None:
    op.drop_index("ix_inbox_lane", table_name="inbox")
    op.drop_index("ix_outbox_queued", table_name="outbox")
    op.create_index(
        "ix_outbox_queued", "outbox", ["due_at", "id"], postgresql_where=sa.text(_QUEUED)
    )
    op.drop_column("outbox", "priority")
