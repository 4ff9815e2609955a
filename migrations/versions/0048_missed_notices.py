"""Remember the messages that people have missed because they had blocked the bot.

Before, a message that did not arrive was given up, and its person never read it.
"""

import sqlalchemy as sa
from alembic import op

from migrations import functions, online

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None

MESSAGES, PEOPLE = "outbox", "users"


def upgrade() -> None:
    """Add the columns, the index, and the present text of the function that deletes old messages."""
    online.run(revision, (_add_columns, _create_index, _replace_function))


def _add_columns() -> None:
    for table in (MESSAGES, PEOPLE):
        op.add_column(table, sa.Column("missed_at", sa.DateTime(timezone=True), nullable=True))
    op.execute(f"GRANT UPDATE (missed_at) ON {MESSAGES} TO adtech_clock")
    op.execute(f"GRANT UPDATE (missed_at) ON {PEOPLE} TO adtech_bot, adtech_clock")


def _create_index() -> None:
    online.create_index(
        "ix_outbox_missed", MESSAGES, ["user_id", "id"], where="missed_at IS NOT NULL"
    )


def _replace_function() -> None:
    functions.create("purge_outbox", revision)


def downgrade() -> None:
    """Put the former function back, and remove the columns with their index."""
    functions.create("purge_outbox", down_revision)
    for table in (MESSAGES, PEOPLE):
        op.drop_column(table, "missed_at")
