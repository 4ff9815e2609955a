"""Refuse an escrow of a person with an open loss.

Without the trigger, a person whose payment was taken back can still spend money in a friend's
channel, and the friend withdraws the payout.
"""

from alembic import op

from migrations import functions

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the trigger."""
    functions.create("require_no_loss", revision)
    op.execute(
        "CREATE TRIGGER no_loss BEFORE INSERT ON escrows FOR EACH ROW"
        " EXECUTE FUNCTION require_no_loss()"
    )


def downgrade() -> None:
    """Remove the trigger."""
    op.execute("DROP TRIGGER no_loss ON escrows")
    op.execute("DROP FUNCTION require_no_loss()")
