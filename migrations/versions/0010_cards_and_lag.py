"""Give staff cards a key that prevents a second card, and store the event loop's lag.

Let the scheduler raise the priority of messages, and let kill switches end sessions.
"""

import sqlalchemy as sa
from alembic import op

from migrations import functions, online

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Set the missing keys of queued cards, and add the event loop's lag to heartbeats."""
    online.update_by_id(
        "outbox",
        """
        UPDATE outbox SET key = 'target_submitted:' || (payload ->> 'target_id')
        WHERE kind = 'target_submitted' AND key IS NULL AND id BETWEEN :first AND :last
        """,
    )
    op.add_column(
        "heartbeats", sa.Column("loop_lag", sa.Float(), server_default=sa.text("0"), nullable=False)
    )
    op.execute("GRANT UPDATE (loop_lag) ON heartbeats TO adtech_clock")
    op.execute("GRANT UPDATE (priority) ON outbox TO adtech_clock")
    for name in ("end_lock_holders", "settle_stop"):
        functions.create(name, revision)
    op.execute("GRANT EXECUTE ON FUNCTION end_lock_holders() TO adtech_bot")


def downgrade() -> None:
    """Remove the lag, and the scheduler's right to raise priorities. The keys stay."""
    functions.create("settle_stop", down_revision)
    op.execute("DROP FUNCTION end_lock_holders()")
    op.execute("REVOKE UPDATE (priority) ON outbox FROM adtech_clock")
    op.drop_column("heartbeats", "loop_lag")
