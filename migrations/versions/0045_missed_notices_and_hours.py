"""Remember the messages that people have missed, and let hours of ads end after midnight.

Before, a message that did not arrive was given up, and its person never read it. A channel could not publish
ads from the evening into the night, and a late post was published outside of its channel's hours.
"""

import sqlalchemy as sa
from alembic import op

from migrations import functions, online

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None

MESSAGES, PEOPLE = "outbox", "users"
CALENDARS = "channel_calendars"
HOURS = f"ck_{CALENDARS}_hours"
DAYTIME = "opens_at >= 0 AND opens_at < closes_at AND closes_at <= 1440"
"""The former condition: hours end on the day on which they begin."""
ANY_HOURS = "opens_at BETWEEN 0 AND 1439 AND closes_at BETWEEN 1 AND 1440 AND opens_at <> closes_at"
CLOSED = "closed_until(channel_calendars, timestamptz)"


def upgrade() -> None:
    """Add the columns and the index, then replace the functions and the condition of the hours."""
    online.run(revision, (_add_columns, _create_index, _replace_functions, _validate))


def _add_columns() -> None:
    for table in (MESSAGES, PEOPLE):
        op.add_column(table, sa.Column("missed_at", sa.DateTime(timezone=True), nullable=True))
    op.execute(f"GRANT UPDATE (missed_at) ON {MESSAGES} TO adtech_clock")
    op.execute(f"GRANT UPDATE (missed_at) ON {PEOPLE} TO adtech_bot, adtech_clock")


def _create_index() -> None:
    online.create_index(
        "ix_outbox_missed", MESSAGES, ["user_id", "id"], where="missed_at IS NOT NULL"
    )


def _replace_functions() -> None:
    for name in ("purge_outbox", "closed_until", "time_problem"):
        functions.create(name, revision)
    op.execute(f"GRANT EXECUTE ON FUNCTION {CLOSED} TO adtech_bot, adtech_clock")
    _set_condition(ANY_HOURS)


def _set_condition(condition: str) -> None:
    op.drop_constraint(op.f(HOURS), CALENDARS)
    op.create_check_constraint(op.f(HOURS), CALENDARS, condition, postgresql_not_valid=True)


def _validate() -> None:
    online.validate(CALENDARS, HOURS)


def downgrade() -> None:
    """Put the former functions and the condition back, and remove the columns."""
    for name in ("purge_outbox", "time_problem"):
        functions.create(name, down_revision)
    op.execute(f"DROP FUNCTION {CLOSED}")
    op.execute(
        "UPDATE channel_calendars SET opens_at = 0, closes_at = 1440 WHERE opens_at >= closes_at"
    )
    op.drop_constraint(op.f(HOURS), CALENDARS)
    op.create_check_constraint(op.f(HOURS), CALENDARS, DAYTIME)
    for table in (MESSAGES, PEOPLE):
        op.drop_column(table, "missed_at")
