"""Let advertisers cancel approved placements before their time.

Before, the money of an approved placement was held until its time, up to years ahead, and only the end of the
whole campaign gave it back.
"""

import sqlalchemy as sa
from alembic import op

from migrations import functions, online

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None

TABLE = "campaign_targets"
CHECK = f"ck_{TABLE}_cancelled"
CANCEL = "cancel_placement(bigint, bigint, text, interval, text)"


def upgrade() -> None:
    """Add the column with its guards, then the function."""
    online.run(revision, (_add_column, _validate, _create_functions))


def _add_column() -> None:
    op.add_column(TABLE, sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True))
    op.create_check_constraint(
        op.f(CHECK),
        TABLE,
        "cancelled_at IS NULL OR status = 'refunded'",
        postgresql_not_valid=True,
    )


def _validate() -> None:
    online.validate(TABLE, CHECK)


def _create_functions() -> None:
    functions.create("guard_cancellation", revision)
    op.execute(
        f"CREATE TRIGGER cancelled_once BEFORE UPDATE OF cancelled_at ON {TABLE} FOR EACH ROW"
        " WHEN (old.cancelled_at IS DISTINCT FROM new.cancelled_at)"
        " EXECUTE FUNCTION guard_cancellation()"
    )
    functions.create("cancel_placement", revision)
    op.execute(f"GRANT EXECUTE ON FUNCTION {CANCEL} TO adtech_bot")
    # The story of a placement says when its post was taken down.
    op.execute("GRANT SELECT ON removals TO adtech_bot")


def downgrade() -> None:
    """Remove the functions, then the column."""
    op.execute("REVOKE SELECT ON removals FROM adtech_bot")
    op.execute(f"DROP FUNCTION {CANCEL}")
    op.execute(f"DROP TRIGGER cancelled_once ON {TABLE}")
    op.execute("DROP FUNCTION guard_cancellation()")
    op.drop_column(TABLE, "cancelled_at")
