"""Refuse an escrow of a person with an open loss, and let the database date the staff's decisions.

Without the first trigger, a person whose payment was taken back can still spend money in a friend's
channel, and the friend withdraws the payout. The last decision about a role counts. Without the
second trigger, a grant that is dated in the future counts also after a later revocation.
"""

from alembic import op

from migrations import functions

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the triggers, and replace the function that guards requests."""
    functions.create("require_no_loss", revision)
    op.execute(
        "CREATE TRIGGER no_loss BEFORE INSERT ON escrows FOR EACH ROW"
        " EXECUTE FUNCTION require_no_loss()"
    )
    functions.create("guard_staff_request", revision)
    op.execute(
        "CREATE TRIGGER decision_kept BEFORE UPDATE OF decided_by, decided_at ON staff_requests"
        " FOR EACH ROW WHEN (OLD.decided_at IS NOT NULL AND"
        " (OLD.decided_by, OLD.decided_at) IS DISTINCT FROM (NEW.decided_by, NEW.decided_at))"
        " EXECUTE FUNCTION refuse_frozen()"
    )


def downgrade() -> None:
    """Remove the triggers, and restore the function."""
    op.execute("DROP TRIGGER decision_kept ON staff_requests")
    functions.create("guard_staff_request", down_revision)
    op.execute("DROP TRIGGER no_loss ON escrows")
    op.execute("DROP FUNCTION require_no_loss()")
