"""Let no placement be submitted without a question to the owner of its channel.

This is a revision of its own, because the release before 0031 submits placements without a question.
Apply it after the last process of that release has stopped.
"""

from alembic import op

from migrations import functions

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Guard the new rows of placements."""
    functions.create("require_question", revision)
    op.execute(
        "CREATE TRIGGER owner_is_asked BEFORE INSERT ON campaign_targets FOR EACH ROW"
        " EXECUTE FUNCTION require_question()"
    )


def downgrade() -> None:
    """Remove the guard."""
    op.execute("DROP TRIGGER owner_is_asked ON campaign_targets")
    op.execute("DROP FUNCTION require_question()")
