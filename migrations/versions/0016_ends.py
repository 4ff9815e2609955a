"""End confirmed corrections that nobody carries out, and delete old messages and updates.

A confirmed correction has the time of its confirmation, so that it can end if nobody carries it out. Messages with
answers that were given later are deleted. The number of parked updates without payments has a limit. The scheduler
can end sessions whose locks of whole tables delay a stop.
"""

import sqlalchemy as sa
from alembic import op

from migrations import functions, online

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_REPLACED = ("guard_correction", "repair", "purge_inbox")


def upgrade() -> None:
    """Add the column, the index and the function, and replace three functions."""
    online.create_index(
        "ix_outbox_answered",
        "outbox",
        [sa.text("coalesce(sent_at, due_at)")],
        where="kind IN ('answer_lost', 'switch_answer_lost') AND status IN ('sent', 'failed')",
    )
    op.add_column("corrections", sa.Column("confirmed_at", sa.DateTime(timezone=True)))
    op.execute("UPDATE corrections SET confirmed_at = clock() WHERE status = 'confirmed'")
    for name in _REPLACED:
        functions.create(name, revision)
    functions.create("purge_late_answers", revision)
    op.execute("REVOKE ALL ON FUNCTION purge_late_answers FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION purge_late_answers, end_lock_holders TO adtech_clock")


def downgrade() -> None:
    """Restore the three functions, and remove the column, the index, the function and the right."""
    op.execute("REVOKE EXECUTE ON FUNCTION end_lock_holders FROM adtech_clock")
    op.execute("DROP FUNCTION purge_late_answers()")
    op.drop_index("ix_outbox_answered", "outbox")
    for name in _REPLACED:
        functions.create(name, down_revision)
    op.drop_column("corrections", "confirmed_at")
