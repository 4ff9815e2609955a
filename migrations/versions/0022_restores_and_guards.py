"""Make a restored backup safe to start, and record guards of the schema that differ from the release.

Before, `adtech restored` moved only the transaction numbers on. A post that was queued in the backup and
published after it was published a second time. Nobody noticed a guard that was missing.
"""

import sqlalchemy as sa
from alembic import op

from migrations import functions

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

ADDED = (
    ("require_search", ""),
    ("finish_restore", "text[]"),
    ("record_guard_faults", "boolean, jsonb"),
)
REPLACED = ("run_switch", "require_other_person")
_MOVES = (
    "queued>sending",
    "sending>success",
    "sending>failed",
    "sending>queued",
    "sending>uncertain",
    "uncertain>success",
    "uncertain>queued",
    "uncertain>failed",
    "uncertain>cancelled",
    "queued>cancelled",
    "queued>failed",
    "success>failed",
)
_FREEZING_INCIDENTS = (
    "CREATE VIEW freezing_incidents AS SELECT id, opened_at, closed_at, closed_by FROM incidents"
    " WHERE kind IN ('ledger_violation', 'backup_restored', 'guard_missing')"
)
_FROZEN_SWITCHES = (
    "CREATE OR REPLACE VIEW frozen_switches AS SELECT key FROM kill_switches"
    " WHERE key IN ('new_escrows', 'payouts', 'refunds', 'withdrawals')"
    " AND EXISTS (SELECT FROM {} WHERE {}closed_at IS NULL)"
)
_NOTICES = "'backup_restored', 'guard_missing', 'schema_differs'"


def upgrade() -> None:
    """Add the columns, functions, triggers and the view, and replace what reads incidents."""
    op.add_column("campaign_targets", sa.Column("search_above", sa.BigInteger(), nullable=True))
    op.add_column("post_jobs", sa.Column("search_above", sa.BigInteger(), nullable=True))
    op.execute(_FREEZING_INCIDENTS)
    op.execute(_FROZEN_SWITCHES.format("freezing_incidents", ""))
    for name, _ in ADDED:
        functions.create(name, revision)
    for name in REPLACED:
        functions.create(name, revision)
    _allow_moves((*_MOVES, "queued>uncertain"))
    op.execute(
        "CREATE TRIGGER search_copied BEFORE INSERT ON post_jobs FOR EACH ROW"
        " EXECUTE FUNCTION require_search()"
    )
    op.execute(
        "CREATE TRIGGER searched_first BEFORE UPDATE OF status ON post_jobs FOR EACH ROW"
        " WHEN (OLD.status <> NEW.status AND (OLD.search_above IS NOT NULL"
        " OR OLD.status = 'queued' AND NEW.status = 'uncertain'))"
        " EXECUTE FUNCTION require_search()"
    )
    op.execute(
        "CREATE TRIGGER written_about_schema BEFORE INSERT ON outbox FOR EACH ROW"
        f" WHEN (NEW.kind IN ({_NOTICES}) OR split_part(NEW.key, ':', 1) IN ({_NOTICES}))"
        " EXECUTE FUNCTION guard_notice('database')"
    )
    op.execute("GRANT EXECUTE ON FUNCTION record_guard_faults TO adtech_bot, adtech_clock")


def _allow_moves(moves: tuple[str, ...]) -> None:
    arguments = ", ".join(f"'{move}'" for move in moves)
    op.execute(
        "CREATE OR REPLACE TRIGGER allowed_move BEFORE UPDATE OF status ON post_jobs FOR EACH ROW"
        " WHEN (OLD.status IS DISTINCT FROM NEW.status)"
        f" EXECUTE FUNCTION require_allowed_move({arguments})"
    )


def downgrade() -> None:
    """Remove the columns, functions, triggers and the view."""
    op.execute("DROP TRIGGER written_about_schema ON outbox")
    op.execute("DROP TRIGGER searched_first ON post_jobs")
    op.execute("DROP TRIGGER search_copied ON post_jobs")
    _allow_moves(_MOVES)
    for name in REPLACED:
        functions.create(name, down_revision)
    for name, arguments in reversed(ADDED):
        op.execute(f"DROP FUNCTION {name}({arguments})")
    op.execute(_FROZEN_SWITCHES.format("incidents", "kind = 'ledger_violation' AND "))
    op.execute("DROP VIEW freezing_incidents")
    op.drop_column("post_jobs", "search_above")
    op.drop_column("campaign_targets", "search_above")
