"""Give each message of the outbox a priority, and add an index of open updates by their lane.

A lane is a number, usually the id of a chat. Updates with the same lane are handled in order.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_QUEUED = sa.text("status = 'queued'")
_OPEN = sa.text("done_at IS NULL AND failed_at IS NULL")


def upgrade() -> None:
    """Add the column `priority` to the outbox, and add indexes to the outbox and the inbox.

    The default is 1 (RESULT). Messages that are already queued get this value. Messages from an
    older version of the program get it too.
    """
    op.add_column(
        "outbox",
        sa.Column("priority", sa.SmallInteger(), server_default=sa.text("1"), nullable=False),
    )
    op.drop_index("ix_outbox_queued", table_name="outbox")
    op.create_index(
        "ix_outbox_queued", "outbox", ["priority", "due_at", "id"], postgresql_where=_QUEUED
    )
    op.create_index("ix_inbox_lane", "inbox", ["lane", "id"], postgresql_where=_OPEN)


def downgrade() -> None:
    """Remove the priority and the index of lanes. Messages are then ordered only by their time."""
    op.drop_index("ix_inbox_lane", table_name="inbox")
    op.drop_index("ix_outbox_queued", table_name="outbox")
    op.create_index("ix_outbox_queued", "outbox", ["due_at", "id"], postgresql_where=_QUEUED)
    op.drop_column("outbox", "priority")
