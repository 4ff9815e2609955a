"""Let bots write heartbeats with facts about themselves, and store which alerts are firing.

The scheduler sees by the heartbeats whether a bot is alive, and adds up what all processes have counted in
the last minutes. An alert that is stored as firing is not sent again after a restart.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import functions

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_PROCESS_COLUMNS = {"heartbeats": "name", "alerts": "watcher"}
"""The column of each guarded table that says which kind of process writes the row."""


def upgrade() -> None:
    """Add the facts of heartbeats, the table of alerts, and the guard of both."""
    op.add_column(
        "heartbeats",
        sa.Column(
            "facts", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
    )
    op.create_table(
        "alerts",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("watcher", sa.Text(), nullable=False),
        sa.Column("firing", sa.Boolean(), nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        sa.Column(
            "changed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("in_chat", sa.Boolean(), nullable=False),
        sa.Column("sent_out", sa.Boolean(), nullable=False),
        sa.CheckConstraint("watcher IN ('bot', 'scheduler')", name="watcher"),
        sa.PrimaryKeyConstraint("name", "watcher", name="pk_alerts"),
    )
    functions.create("guard_process_row", revision)
    for table, column in _PROCESS_COLUMNS.items():
        op.execute(
            f"CREATE TRIGGER written_by_process BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW"
            f" EXECUTE FUNCTION guard_process_row('{column}')"
        )
    op.execute("GRANT INSERT ON heartbeats TO adtech_bot")
    op.execute("GRANT UPDATE (beat_at, loop_lag, facts) ON heartbeats TO adtech_bot")
    op.execute("GRANT UPDATE (facts) ON heartbeats TO adtech_clock")
    op.execute("GRANT SELECT ON alerts TO adtech_bot, adtech_clock, adtech_reports")
    op.execute("GRANT INSERT ON alerts TO adtech_bot, adtech_clock")
    op.execute(
        "GRANT UPDATE (firing, value, changed_at, in_chat, sent_out) ON alerts"
        " TO adtech_bot, adtech_clock"
    )


def downgrade() -> None:
    """Remove the table, the guard, the facts, and the bot's right to write heartbeats."""
    for table in _PROCESS_COLUMNS:
        op.execute(f"DROP TRIGGER written_by_process ON {table}")
    op.execute("DROP FUNCTION guard_process_row()")
    op.drop_table("alerts")
    op.execute("REVOKE INSERT, UPDATE (beat_at, loop_lag) ON heartbeats FROM adtech_bot")
    op.drop_column("heartbeats", "facts")
