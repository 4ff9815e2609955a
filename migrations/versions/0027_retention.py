"""Delete old messages, checks and heartbeats in small batches, after a retention by setting.

Before, nothing deleted delivered messages, checks of the ledger and of posts, and heartbeats of processes
that had ended.
"""

import sqlalchemy as sa
from alembic import op

from migrations import functions, online

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

ADDED = (
    ("require_retention", "interval", False),
    ("is_evidence_needed", "", False),
    ("is_spare_checkpoint", "ledger_checkpoints", False),
    ("is_spare_check", "post_checks", False),
    ("guard_retention", "", False),
    ("purge_outbox", "interval, integer", True),
    ("purge_checkpoints", "interval, integer", True),
    ("purge_post_checks", "interval, bigint, integer", True),
    ("purge_heartbeats", "", True),
)
"""The new functions: name, arguments, and whether the scheduler's login may call them."""
REPLACED = ("purge_inbox", "purge_late_answers")
CHECKS = ("post_checks", "ledger_checkpoints")
"""The tables whose old rows may be deleted, and whose other rows never change."""


def upgrade() -> None:
    """Add the indexes, then the functions and the triggers."""
    online.create_index(
        "ix_outbox_ended",
        "outbox",
        [sa.text("coalesce(sent_at, due_at)")],
        where="status IN ('sent', 'failed')",
    )
    online.create_index(
        "ix_ledger_checkpoints_passed",
        "ledger_checkpoints",
        ["created_at"],
        where="violations = 0",
    )
    for name, _, is_called in ADDED:
        functions.create(name, revision)
        if is_called:
            op.execute(f"GRANT EXECUTE ON FUNCTION {name} TO adtech_clock")
    for name in REPLACED:
        functions.create(name, revision)
    for table in CHECKS:
        _refuse_changes(table, "UPDATE OR TRUNCATE")
        op.execute(
            f"CREATE TRIGGER kept BEFORE DELETE ON {table} FOR EACH ROW"
            " EXECUTE FUNCTION guard_retention()"
        )


def _refuse_changes(table: str, events: str) -> None:
    op.execute(
        f"CREATE OR REPLACE TRIGGER append_only BEFORE {events} ON {table} FOR EACH STATEMENT"
        " EXECUTE FUNCTION refuse_change()"
    )


def downgrade() -> None:
    """Restore the functions and triggers, and remove the indexes."""
    for table in CHECKS:
        op.execute(f"DROP TRIGGER kept ON {table}")
        _refuse_changes(table, "UPDATE OR DELETE OR TRUNCATE")
    for name in REPLACED:
        functions.create(name, down_revision)
    for name, arguments, _ in reversed(ADDED):
        op.execute(f"DROP FUNCTION {name}({arguments})")
    op.drop_index("ix_ledger_checkpoints_passed", "ledger_checkpoints")
    op.drop_index("ix_outbox_ended", "outbox")
