"""Let advertisers change and delete the drafts of their campaigns, and raise budgets."""

from alembic import op

from migrations import functions

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None

COLUMNS = ("advertiser_id", "creative", "total_budget")
"""The columns that never changed before."""
ADDED = (
    "old.advertiser_id IS DISTINCT FROM new.advertiser_id"
    " OR old.status::text <> 'draft'::text AND (old.name IS DISTINCT FROM new.name"
    " OR old.creative IS DISTINCT FROM new.creative OR new.total_budget < old.total_budget)"
    " OR (old.status::text <> ALL (ARRAY['draft'::text, 'active'::text, 'paused'::text]))"
    " AND old.total_budget IS DISTINCT FROM new.total_budget"
)
"""The forbidden changes from now on."""
FUNCTIONS = {
    "change_campaign": "bigint, bigint, text, jsonb, bigint, text",
    "delete_draft": "bigint, bigint, text",
}


def upgrade() -> None:
    """Create the functions, and let the trigger allow their changes."""
    _freeze("advertiser_id, name, creative, total_budget", ADDED)
    for name in FUNCTIONS:
        functions.create(name, revision)
        op.execute(f"GRANT EXECUTE ON FUNCTION {name} TO adtech_bot")


def _freeze(columns: str, forbidden: str) -> None:
    op.execute(
        f"CREATE OR REPLACE TRIGGER frozen BEFORE UPDATE OF {columns} ON campaigns"
        f" FOR EACH ROW WHEN ({forbidden}) EXECUTE FUNCTION refuse_frozen()"
    )


def downgrade() -> None:
    """Remove the functions, and let the trigger forbid each change again."""
    for name, arguments in FUNCTIONS.items():
        op.execute(f"DROP FUNCTION {name}({arguments})")
    differs = " OR ".join(f"old.{column} IS DISTINCT FROM new.{column}" for column in COLUMNS)
    _freeze(", ".join(COLUMNS), differs)
