"""Record the checks and signatures of the launch, and count conflicts for the criteria of a rollback.

Before, `launch_runs` was empty, because no login could write it. Now one function writes it. The function
refuses a check out of order, a second result after a success, and a signature without its press.
Nothing counted the transactions that a conflict had ended, so nobody could notice that they became many.
"""

import sqlalchemy as sa
from alembic import op

from migrations import functions

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

ADDED = (
    ("launch_steps", ""),
    ("record_launch_check", "text, boolean, jsonb, bigint, bigint, text"),
    ("count_failures", "text, bigint"),
)
RIGHTS = (
    ("SELECT ON launch_runs", "adtech_bot, adtech_clock"),
    ("SELECT ON failure_counts", "adtech_bot, adtech_clock, adtech_reports"),
    (
        "EXECUTE ON FUNCTION record_launch_check(text, boolean, jsonb, bigint, bigint, text)",
        "adtech_bot",
    ),
    ("EXECUTE ON FUNCTION count_failures(text, bigint)", "adtech_bot, adtech_clock"),
)
"""Each right, and the logins that get it."""
KINDS = ("conflict", "deadlock", "approve_timeout")


def upgrade() -> None:
    """Add the table of counts, the column and index of the launch, and the functions."""
    op.create_table(
        "failure_counts",
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("minute", sa.DateTime(timezone=True), nullable=False),
        sa.Column("occurred", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "minute", name=op.f("pk_failure_counts")),
        sa.CheckConstraint(f"kind IN {KINDS}", name=op.f("ck_failure_counts_failurekind")),
        sa.CheckConstraint("occurred > 0", name=op.f("ck_failure_counts_positive")),
    )
    # Nothing could write to launch_runs before this revision, so the table is empty.
    op.add_column("launch_runs", sa.Column("inbox_id", sa.BigInteger(), nullable=True))
    op.create_index(
        op.f("uq_launch_runs_passed"),
        "launch_runs",
        ["step"],
        unique=True,
        postgresql_where=sa.text("passed"),
    )
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON launch_runs"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    for name, _ in ADDED:
        functions.create(name, revision)
    for right, logins in RIGHTS:
        op.execute(f"GRANT {right} TO {logins}")


def downgrade() -> None:
    """Remove what `upgrade` has added, with the results of the launch."""
    op.execute("REVOKE SELECT ON launch_runs FROM adtech_bot, adtech_clock")
    for name, arguments in reversed(ADDED):
        op.execute(f"DROP FUNCTION {name}({arguments})")
    op.execute("DROP TRIGGER append_only ON launch_runs")
    op.drop_index(op.f("uq_launch_runs_passed"), "launch_runs")
    op.drop_column("launch_runs", "inbox_id")
    op.drop_table("failure_counts")
