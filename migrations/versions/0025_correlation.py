"""Write the id of the update, command or tick into each row that it adds.

The column `correlation_id` of transfers and audit rows was filled by their functions. Now the
default of each such column reads the setting `adtech.correlation_id` of the transaction. Another new
column says who is a tester: a person whose acts no report counts.
"""

from functools import partial

import sqlalchemy as sa
from alembic import op

from migrations import functions, online

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

ADDED = ("post_jobs", "outbox", "deposits", "withdrawals", "staff_requests", "incidents")
FILLED = ("ledger_transfers", "user_audit_logs")
REPLACED = ("record_switch", "stop_all_switches")
"""The functions whose audit rows get the reason."""
KINDS = (
    *("run_switch", "block", "unblock", "retry_payment", "correction", "grant_role"),
    *("revoke_role", "record_payment", "clawback", "block_staff", "unblock_staff", "repair"),
)
NEW_KINDS = ("mark_tester", "unmark_tester", "clean_up_tester")
_CHECK = "ck_staff_requests_requestkind"
DEFAULT = "nullif(current_setting('adtech.correlation_id', true), '')"


def upgrade() -> None:
    """Add the columns and their defaults, which need no rewrite of a table."""
    online.run(
        revision,
        (
            *(partial(_add_column, table) for table in ADDED),
            *(partial(_set_default, table) for table in FILLED),
            _change_inbox,
            _add_testers,
            _create_index,
        ),
    )


def _add_column(table: str) -> None:
    op.add_column(table, sa.Column("correlation_id", sa.Text(), nullable=True))
    _set_default(table)


def _set_default(table: str) -> None:
    op.execute(f"ALTER TABLE {table} ALTER COLUMN correlation_id SET DEFAULT {DEFAULT}")


def _change_inbox() -> None:
    op.add_column("inbox", sa.Column("correlation_id", sa.Text(), nullable=True))
    op.execute("GRANT UPDATE (correlation_id) ON inbox TO adtech_bot")


def _create_index() -> None:
    online.create_index("ix_users_testers", "users", ["id"], where="is_tester")


def _add_testers() -> None:
    for name in REPLACED:
        functions.create(name, revision)
    _check_kinds((*KINDS, *NEW_KINDS))
    op.add_column(
        "users",
        sa.Column("is_tester", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    functions.create("require_tester_request", revision)
    op.execute(
        "CREATE CONSTRAINT TRIGGER requested_tester AFTER UPDATE OF is_tester ON users"
        " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (old.is_tester <> new.is_tester)"
        " EXECUTE FUNCTION require_tester_request()"
    )
    op.execute(
        "CREATE TRIGGER not_born_as_tester AFTER INSERT ON users FOR EACH ROW"
        " WHEN (new.is_tester) EXECUTE FUNCTION require_tester_request()"
    )
    functions.create("delete_tester_drafts", revision)
    op.execute("GRANT UPDATE (is_tester) ON users TO adtech_bot")
    op.execute("GRANT EXECUTE ON FUNCTION delete_tester_drafts TO adtech_bot")


def _check_kinds(kinds: tuple[str, ...]) -> None:
    op.drop_constraint(op.f(_CHECK), "staff_requests", type_="check")
    op.create_check_constraint(op.f(_CHECK), "staff_requests", f"kind IN {kinds}")


def downgrade() -> None:
    """Remove the columns, the defaults, and what belongs to testers."""
    op.execute("DROP FUNCTION delete_tester_drafts(bigint, bigint)")
    op.execute("DROP TRIGGER not_born_as_tester ON users")
    op.execute("DROP TRIGGER requested_tester ON users")
    op.execute("DROP FUNCTION require_tester_request()")
    op.drop_column("users", "is_tester")
    op.execute("ALTER TABLE staff_requests DISABLE TRIGGER USER")
    op.execute(f"DELETE FROM staff_requests WHERE kind IN {NEW_KINDS}")  # noqa: S608 - fixed words
    op.execute("ALTER TABLE staff_requests ENABLE TRIGGER USER")
    _check_kinds(KINDS)
    for name in REPLACED:
        functions.create(name, down_revision)
    op.drop_column("inbox", "correlation_id")
    for table in FILLED:
        op.execute(f"ALTER TABLE {table} ALTER COLUMN correlation_id DROP DEFAULT")
    for table in reversed(ADDED):
        op.drop_column(table, "correlation_id")
